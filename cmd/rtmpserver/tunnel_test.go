package main

import (
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// TestForwardLosesNothing checks a client that closes the tunnel before it has read everything. The target of --tunnel must receive
// everything that the client has sent, even if the target reads late.
func TestForwardLosesNothing(t *testing.T) {
	t.Parallel()
	const size, answer = 2 << 20, 16 << 20
	received, closed := make(chan int64, 1), make(chan struct{})
	target := conntest.Serve(t, func(nc net.Conn) {
		go nc.Write(make([]byte, answer))
		<-closed
		n, _ := io.Copy(io.Discard, nc)
		received <- n
	})
	ended := make(chan error, 1)
	tunnel := transport.NewTunnelServer(func(nc net.Conn) { ended <- connect(nc, target) })
	web := httptest.NewServer(tunnel)
	defer web.Close()
	defer tunnel.Close()
	d, err := transport.NewDialer(transport.Config{})
	require.NoError(t, err)
	nc, err := d.DialTunnel(conntest.Context(t), web.Listener.Addr().String(), false)
	require.NoError(t, err)
	_, err = nc.Write(make([]byte, size))
	require.NoError(t, err)
	require.NoError(t, nc.Close())
	require.Eventually(t, func() bool { return tunnel.Sessions() == 0 }, patience, time.Millisecond)
	close(closed)
	assert.EqualValues(t, size, <-received)
	assert.NoError(t, <-ended)
}
