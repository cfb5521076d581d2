package web_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/cmd/rtmpserver/internal/web"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/server"
)

// TestViewersOfOneHTTP2Connection checks that viewers that share a connection do not affect each other. Some read everything, some leave,
// and some read nothing. Those that read nothing must be disconnected.
func TestViewersOfOneHTTP2Connection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const readers, leavers, sleepers = 4, 4, 2
		s := &server.Server{WriteTimeout: 2 * time.Second, Apps: map[string]*server.App{"*": {Live: server.Live{Linger: -1}}}}
		defer s.Close()
		http2 := new(http.Protocols)
		http2.SetUnencryptedHTTP2(true)
		l, served := conntest.NewPipes("server.test"), make(chan error, 1)
		w := &http.Server{Handler: web.New(web.Options{Server: s}), Protocols: http2}
		go func() { served <- w.Serve(l) }()
		defer func() {
			w.Close()
			assert.ErrorIs(t, <-served, http.ErrServerClosed)
		}()
		client := &http.Transport{Protocols: http2, DialContext: l.DialContext}
		defer client.CloseIdleConnections()
		p, err := s.Publish(t.Context(), "live/x")
		require.NoError(t, err)
		defer p.Close()
		pictures := newPictures(t, p, 30<<10)
		pictures.write(5)
		view := func(ctx context.Context) io.ReadCloser {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://server.test/fmp4/live/x.mp4", nil)
			require.NoError(t, err)
			response, err := client.RoundTrip(r)
			require.NoError(t, err)
			require.Equal(t, 2, response.ProtoMajor)
			require.Equal(t, http.StatusOK, response.StatusCode)
			return response.Body
		}
		var reading sync.WaitGroup
		files := make([][]byte, readers)
		for i := range files {
			body := view(t.Context())
			defer body.Close()
			reading.Go(func() {
				var err error
				files[i], err = io.ReadAll(body)
				assert.NoError(t, err)
			})
		}
		for range sleepers {
			defer view(t.Context()).Close()
		}
		for range leavers {
			leaving, leave := context.WithCancel(t.Context())
			body := view(leaving)
			defer body.Close()
			reading.Go(func() {
				io.CopyN(io.Discard, body, 100<<10)
				leave()
				_, err := io.Copy(io.Discard, body)
				assert.Error(t, err) // of the context, or of the server, which may notice first
			})
		}
		players := func() int { return s.Stats().Streams[0].Players }
		for players() > readers && pictures.n < 1000 {
			pictures.write(1)
			time.Sleep(40 * time.Millisecond)
		}
		assert.Equal(t, readers, players(), "the others have gone")
		pictures.write(25 - pictures.n%10) // the last picture is not a key frame
		require.NoError(t, p.Close())
		reading.Wait()
		last := binary.BigEndian.AppendUint32([]byte{0x41}, uint32(pictures.n-1))
		for _, file := range files {
			assert.True(t, bytes.Contains(file, last), "the last picture has arrived")
		}
		t.Logf("%d pictures", pictures.n)
	})
}
