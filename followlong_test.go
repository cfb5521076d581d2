package rtmp

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a peer sent is cut and quoted before it is in an error, a place to go to included.
func TestFollowQuotesThePlace(t *testing.T) {
	long := strings.Repeat("9", 100_000)
	url := newPeer(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
	c := dialed(t, url, &Options{ConnectFields: announces, FollowReconnect: FollowAny})
	for _, to := range []string{
		"rtmp://h:" + long + "x/", "rtmp://[::1]:" + long + "x/", "rtmp://" + long + "/", "rtmp://[" + long + "/", "rtmp://[::1%" + long + "/",
		"rtmp://[::1%25" + long + "%zz]/", "rtmp://" + long + "@@@h:x/", long + "://h/", "%" + long, "\x1b:" + long, "rtmp://h\x1b[2J/", "rtmp://h/\x1b\n" + long,
	} {
		_, _, err := c.Follow(to)
		if err != nil {
			assert.Less(t, len(err.Error()), 300, "%.100s", to)
			assert.NotContains(t, err.Error(), "\x1b", "%.100s", to)
		}
		from := newPeer(t, func(p *peer) {
			cmd := p.Expect("connect")
			p.Call(0, "_error", cmd.TransactionID, nil, redirection302(to))
			p.UntilGone()
		})
		_, err = Dial(t.Context(), from, &Options{MaxRedirects: 1, Timeout: time.Second, Proxy: "direct", DialContext: onlyLocal})
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 700, "redirect: %.100s", to)
		assert.NotContains(t, err.Error(), "\x1b", "redirect: %.100s", to)
		assert.NotContains(t, err.Error(), "\n", "redirect: %.100s", to)
	}
}

// onlyLocal connects to addresses of this machine and looks no names up.
func onlyLocal(ctx context.Context, network, addr string) (net.Conn, error) {
	if !strings.HasPrefix(addr, "127.0.0.1:") {
		return nil, errors.New("no such host")
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}
