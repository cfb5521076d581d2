package main

import (
	"net"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestIngest checks that a stream published over each transport is recorded in a file of its name.
func TestIngest(t *testing.T) {
	dir, files := t.TempDir(), make(chan string, 3)
	srv := newServer(dir, func(_ *server.Request, file string, err error) {
		assert.NoError(t, err)
		files <- file
	})
	srv.TLSConfig = testserver.ServerTLS()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 2)
	go func() { done <- srv.Serve(plain) }()
	go func() { done <- srv.ServeTLS(secure, "", "") }()
	web := httptest.NewServer(srv.TunnelHandler())
	defer web.Close()
	defer func() {
		srv.Close()
		for range 2 {
			assert.ErrorIs(t, <-done, server.ErrServerClosed)
		}
	}()
	for scheme, addr := range map[string]string{"rtmp": plain.Addr().String(), "rtmps": secure.Addr().String(), "rtmpt": web.Listener.Addr().String()} {
		c, err := rtmp.Dial(t.Context(), scheme+"://"+addr+"/live/"+scheme, &rtmp.Options{Publish: true, TLSConfig: testserver.ClientTLS()})
		require.NoError(t, err, scheme)
		s, err := c.CreateStream(t.Context(), &rtmp.StreamOptions{Writable: true})
		require.NoError(t, err)
		_, err = s.Write(testserver.Sample)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		require.NoError(t, c.Close())
		assert.Equal(t, filepath.Join(dir, "live", scheme+".flv"), <-files)
	}
}
