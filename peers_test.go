package rtmp

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
)

// newPeers is newPeer for several connections: the n-th is served by the n-th script, those after that are closed at once.
// accepted counts all of them.
func newPeers(t *testing.T, scripts ...func(p *peer)) (url string, accepted *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	accepted = new(atomic.Int32)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			n := int(accepted.Add(1))
			if n > len(scripts) {
				nc.Close()
				continue
			}
			running.Go(func() { servePeer(t, nc, scripts[n-1]) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return "rtmp://" + l.Addr().String() + "/app/play", accepted
}

// servePeer runs a script on one connection.
func servePeer(t *testing.T, nc net.Conn, script func(p *peer)) {
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(20 * time.Second)) // a script that hangs fails instead of hanging the run
	if _, err := handshake.Server(nc, handshake.Config{}); err == nil {
		script(&peer{t: t, nc: nc, in: chunk.NewReader(nc, 0), out: chunk.NewWriter()})
	}
}
