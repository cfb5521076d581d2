package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// silentDial returns a Config.DialContext that connects to a server that reads but never answers. The server calls asked when it has read
// something. gone is closed when the client has closed the connection.
func silentDial(t *testing.T, wrap func(net.Conn) net.Conn, asked func()) (dial func(context.Context, string, string) (net.Conn, error), gone chan struct{}) {
	near, far := net.Pipe()
	gone = make(chan struct{})
	go func() {
		defer close(gone)
		for b := make([]byte, 1<<10); ; asked() {
			if _, err := far.Read(b); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { far.Close(); <-gone })
	return func(context.Context, string, string) (net.Conn, error) { return wrap(near), nil }, gone
}

// requireClosed waits until the client has closed the connection.
func requireClosed(t *testing.T, gone chan struct{}) {
	t.Helper()
	select {
	case <-gone:
	case <-time.After(patience):
		require.Fail(t, "the connection is still open")
	}
}

// noDeadlineConn is a connection that does not support deadlines, like the connections of x/crypto/ssh.
type noDeadlineConn struct{ net.Conn }

var errNoDeadlines = errors.New("deadlines are not supported")

func (noDeadlineConn) SetDeadline(time.Time) error      { return errNoDeadlines }
func (noDeadlineConn) SetReadDeadline(time.Time) error  { return errNoDeadlines }
func (noDeadlineConn) SetWriteDeadline(time.Time) error { return errNoDeadlines }

// TestProxyHangsWithoutDeadlines checks that dialing ends when ctx is done, if a proxy does not answer and its connection does not support
// deadlines. The connection must be closed.
func TestProxyHangsWithoutDeadlines(t *testing.T) {
	for _, proxy := range []string{"socks4://proxy.test", "socks4a://proxy.test", "socks5://proxy.test", "http://proxy.test",
		"https://proxy.test"} {
		t.Run(proxy, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			dial, gone := silentDial(t, func(nc net.Conn) net.Conn { return noDeadlineConn{nc} }, cancel)
			d, err := NewDialer(Config{Proxy: proxy, DialContext: dial})
			require.NoError(t, err)
			_, err = d.Dial(ctx, "192.0.2.1:1935")
			require.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, "proxy", Stage(err))
			requireClosed(t, gone)
		})
	}
}

// TestRequestGivenUpWhileDialling checks that cancelling a request also ends the dialing for that request.
func TestRequestGivenUpWhileDialling(t *testing.T) {
	for _, proxy := range []string{"socks4a://proxy.test", "socks5://proxy.test", "http://proxy.test", "https://proxy.test"} {
		for _, url := range []string{"http://192.0.2.1/", "https://192.0.2.1/"} {
			t.Run(proxy+" "+url, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				dial, gone := silentDial(t, func(nc net.Conn) net.Conn { return nc }, cancel)
				d, err := NewDialer(Config{Proxy: proxy, DialContext: dial})
				require.NoError(t, err)
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
				require.NoError(t, err)
				_, err = d.HTTPClient().Do(r)
				require.ErrorIs(t, err, context.Canceled)
				requireClosed(t, gone)
			})
		}
	}
}
