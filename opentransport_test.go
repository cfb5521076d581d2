package rtmp

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// What may be called from any goroutine may be called while Connect is under way, and Connect goes elsewhere.
func TestLookingAtAConnWhileItConnects(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		target := rtmptest.Server(t, testserver.Config{Scheme: scheme})
		from := newPeer(t, func(p *peer) {
			cmd := p.Expect("connect")
			p.Call(0, "_error", cmd.TransactionID, nil, redirection302(target.URL("vod", "")))
			p.UntilGone()
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
		_, err = c.Connect(conntest.Context(t))
		close(connected)
		looking.Wait()
		require.NoError(t, err)
		require.NotZero(t, c.Stats().BytesRead)
	})
}

// undated is a connection without deadlines, as those of x/crypto/ssh are.
type undated struct{ net.Conn }

var errUndated = errors.New("deadlines are not supported")

func (undated) SetDeadline(time.Time) error      { return errUndated }
func (undated) SetReadDeadline(time.Time) error  { return errUndated }
func (undated) SetWriteDeadline(time.Time) error { return errUndated }

// The handshake ends in time with a server that says nothing, even where deadlines have no effect.
func TestSilentServerWithoutDeadlines(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		o.Timeout = 50 * time.Millisecond
		o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			return undated{nc}, err
		}
		_, err := Dial(conntest.Context(t), scheme+"://"+newRawServer(t, "")+"/a/p", o)
		var failed *HandshakeError
		require.ErrorAs(t, err, &failed)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.True(t, failed.Timeout())
	})
}

// A proxy that hangs while the player is fetched: the stage is right, and no secret is told.
func TestFetchingThePlayerHangs(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	for _, scheme := range []string{"socks5", "http", "socks4a", "https"} {
		for _, player := range []string{"http", "https"} {
			_, err := Dial(conntest.Context(t), "rtmp://127.0.0.1:9/a/p", &Options{Timeout: 50 * time.Millisecond,
				Proxy:     scheme + "://me:secret@" + newRawServer(t, ""),
				SWFVerify: true, SWFURL: player + "://127.0.0.1:9/p.swf?token=secret"})
			var failed *HandshakeError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, "swf", failed.Stage)
			assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
			assert.NotContains(t, err.Error(), "secret")
		}
	}
}
