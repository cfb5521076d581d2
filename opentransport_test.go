package rtmp

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/testserver"
)

// What may be called from any goroutine may be called while Connect is under way, and Connect goes elsewhere.
func TestLookingAtAConnWhileItConnects(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		target := sampleServer(t, testserver.Config{Scheme: scheme})
		from := newPeer(t, func(p *peer) {
			cmd := p.expect("connect")
			p.call(0, "_error", cmd.TransactionID, nil, redirection302(target.URL("vod", "")))
			p.untilGone()
		})
		o.MaxRedirects = 1
		c, err := New(from, o)
		require.NoError(t, err)
		defer c.Close()
		connected := make(chan struct{})
		var looking sync.WaitGroup
		looking.Go(func() {
			for {
				select {
				case <-connected:
					return
				default:
				}
				c.Stats()
				c.Connected()
				c.LocalAddr()
				c.ConnectReply()
			}
		})
		_, err = c.Connect(testContext(t))
		close(connected)
		looking.Wait()
		require.NoError(t, err)
		require.NotZero(t, c.Stats().BytesRead)
	})
}
