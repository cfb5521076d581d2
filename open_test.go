package rtmp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
)

func TestDialFailures(t *testing.T) {
	_, err := Dial(conntest.Context(t), "rtmp://127.0.0.1:"+conntest.UnusedPort(t)+"/a/p", nil)
	var failed *HandshakeError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "dial", failed.Stage)

	_, err = (&Conn{}).Call(conntest.Context(t), "x")
	require.ErrorIs(t, err, ErrNotConnected)
}

func TestNotAnRTMPServer(t *testing.T) {
	for _, answer := range []string{"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", "\x15\x03\x01\x00\x02\x02\x46"} {
		l := newRawServer(t, answer)
		_, err := Dial(conntest.Context(t), "rtmp://"+l+"/a/p", nil)
		var failed *HandshakeError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "rtmp", failed.Stage)
		assert.Regexp(t, `^rtmp: handshake: .*not an RTMP server`, err.Error())
	}
}

func TestCloseJustBeforeDialling(t *testing.T) {
	c, err := New("rtmp://h/a/p", &Options{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	require.NoError(t, err)
	k, err := c.connector(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Close())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err = k.try(ctx, 1, chunk.Outgoing{})
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, ctx.Err(), "it did not wait")
}

// noDeadlineConn is a connection without deadlines, such as those of x/crypto/ssh.
type noDeadlineConn struct{ net.Conn }

var errUndated = errors.New("deadlines are not supported")

func (noDeadlineConn) SetDeadline(time.Time) error { return errUndated }

func (noDeadlineConn) SetReadDeadline(time.Time) error { return errUndated }

func (noDeadlineConn) SetWriteDeadline(time.Time) error { return errUndated }

// TestSilentServerWithoutDeadlines checks that the handshake with a silent server ends in time without deadlines.
func TestSilentServerWithoutDeadlines(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		o.Timeout = 50 * time.Millisecond
		o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			return noDeadlineConn{nc}, err
		}
		_, err := Dial(conntest.Context(t), scheme+"://"+newRawServer(t, "")+"/a/p", o)
		var failed *HandshakeError
		require.ErrorAs(t, err, &failed)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.True(t, failed.Timeout())
	})
}

// TestFetchingThePlayerHangs checks the stage and the text of the error if a proxy does not answer while the player is fetched.
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

// TestCloseEndsEachStepOfConnecting checks that Close ends Connect without delay while the player is fetched, while the connection is made,
// and during the handshake.
func TestCloseEndsEachStepOfConnecting(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	for name, o := range map[string]*Options{
		"player":    {SWFVerify: true, SWFURL: "http://server/p.swf"},
		"dial":      {},
		"handshake": {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o.Timeout = time.Hour
				o.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
					if name == "handshake" {
						ours, theirs := net.Pipe()
						go io.Copy(io.Discard, theirs)
						return ours, nil
					}
					<-ctx.Done()
					return nil, ctx.Err()
				}
				c, err := New("rtmp://server/a/p", o)
				require.NoError(t, err)
				began := time.Now()
				time.AfterFunc(time.Second, func() { c.Close() })
				_, err = c.Connect(t.Context())
				require.ErrorIs(t, err, net.ErrClosed)
				assert.Equal(t, time.Second, time.Since(began))
			})
		})
	}
}
