package transport

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"
)

func TestTunnelIsNetConn(t *testing.T) {
	nettest.TestConn(t, func() (client, server net.Conn, stop func(), err error) {
		accepted, release := make(chan net.Conn), make(chan struct{})
		tunnels := NewTunnelServer(func(nc net.Conn) {
			accepted <- nc
			<-release
		})
		s := httptest.NewServer(tunnels)
		d, err := NewDialer(Config{})
		if err != nil {
			return nil, nil, nil, err
		}
		client, err = d.DialTunnel(t.Context(), strings.TrimPrefix(s.URL, "http://"), false)
		if err != nil {
			return nil, nil, nil, err
		}
		server = <-accepted
		return client, server, func() {
			client.Close()
			close(release)
			tunnels.Close()
			s.Close()
		}, nil
	})
}

// lateEnd is a ResponseWriter, and also the body of its request. It reports the end of that body only after the answer has begun, as happens
// on a busy machine.
type lateEnd struct {
	http.ResponseWriter
	io.ReadCloser
	left     int64
	answered chan struct{}
	once     sync.Once
}

func (l *lateEnd) Read(p []byte) (int, error) {
	if l.left == 0 {
		<-l.answered
	}
	n, err := l.ReadCloser.Read(p)
	l.left -= int64(n)
	return n, err
}

// FlushError is called by ReverseProxy after each write, through http.ResponseController.
func (l *lateEnd) FlushError() error {
	defer l.once.Do(func() { close(l.answered) })
	return http.NewResponseController(l.ResponseWriter).Flush()
}

// forwarder starts an HTTP proxy that requires a password. forwarded is the number of requests that it has forwarded.
func forwarder(t *testing.T) (addr string, forwarded *atomic.Int64) {
	forwarded = new(atomic.Int64)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	forward := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, Transport: transport, FlushInterval: -1}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Proxy-Authorization") != "Basic bWU6c2VjcmV0":
			w.WriteHeader(http.StatusProxyAuthRequired)
		case !r.URL.IsAbs():
			w.WriteHeader(http.StatusBadRequest)
		default:
			forwarded.Add(1)
			// Otherwise the server closes the request's body when the answer begins. The proxy's http.Transport reads the body again after its
			// last byte. If it does so after the close, it gives up the answer.
			http.NewResponseController(w).EnableFullDuplex()
			late := &lateEnd{ResponseWriter: w, ReadCloser: r.Body, left: r.ContentLength, answered: make(chan struct{})}
			r.Body, w = late, late
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), forwarded
}

func TestTunnelFullDuplex(t *testing.T) {
	t.Run("direct", func(t *testing.T) {
		serve, accepted := handOver(t)
		client := dialTunnel(t, Config{Ident: true}, serveTunnel(t, serve))
		fullDuplex(t, client, <-accepted, 3<<20)
	})
	t.Run("through an HTTP proxy", func(t *testing.T) {
		proxy, forwarded := forwarder(t)
		serve, accepted := handOver(t)
		client := dialTunnel(t, Config{Proxy: "http://me:secret@" + proxy}, serveTunnel(t, serve))
		fullDuplex(t, client, <-accepted, 2<<20)
		assert.NotZero(t, forwarded.Load())
	})
}

func TestTunnelProxyRefuses(t *testing.T) {
	proxy, forwarded := forwarder(t)
	for user, advice := range map[string]string{"me:wrong@": "refuses the user or the password", "": "add user:password@ to its URL"} {
		_, err := tryTunnel(t, Config{Proxy: "http://" + user + proxy}, serveTunnel(t, echo))
		var refused *TunnelError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, http.StatusProxyAuthRequired, refused.Status)
		assert.Equal(t, "proxy", Stage(err))
		assert.ErrorContains(t, err, proxy+": ")
		assert.ErrorContains(t, err, advice)
		assert.NotContains(t, err.Error(), "wrong")
	}
	assert.Zero(t, forwarded.Load())
}

// TestTunnelEchoOfSlowReader checks that there is no deadlock if an application reads only after it has written everything.
func TestTunnelEchoOfSlowReader(t *testing.T) {
	client := dialTunnel(t, Config{}, serveTunnel(t, echo))
	want := noise(3, 2<<20)
	_, err := client.Write(want)
	require.NoError(t, err)
	got := make([]byte, len(want))
	_, err = io.ReadFull(client, got)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
}

// TestTunnelBackPressure checks that Write blocks after a few hundred kilobytes if the peer does not read. The peer must receive exactly
// the bytes that Write has reported.
func TestTunnelBackPressure(t *testing.T) {
	serve, accepted := handOver(t)
	client := dialTunnel(t, Config{}, serveTunnel(t, serve))
	server := <-accepted
	server.SetDeadline(time.Now().Add(patience))
	for _, test := range []struct{ from, to net.Conn }{{client, server}, {server, client}} {
		b := noise(4, 4<<20)
		test.from.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := test.from.Write(b)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Less(t, n, 1<<20)
		got := make([]byte, n)
		_, err = io.ReadFull(test.to, got)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(b[:n], got))
		test.to.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		n, err = test.to.Read(got)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded, "%d bytes more", n)
	}
}

// TestTunnelCloseWrite checks that after CloseWrite all written bytes arrive, and that the server's answer can still be read. Publishers
// end their connections like this.
func TestTunnelCloseWrite(t *testing.T) {
	want := noise(5, 700<<10)
	got, gone := make(chan []byte, 1), make(chan error, 1)
	client := dialTunnel(t, Config{}, serveTunnel(t, func(nc net.Conn) {
		b := make([]byte, len(want))
		io.ReadFull(nc, b)
		io.WriteString(nc, "thanks")
		got <- b
		_, err := nc.Read(b)
		gone <- err
	}))
	client.SetWriteDeadline(time.Now().Add(patience))
	_, err := client.Write(want)
	require.NoError(t, err)
	client.SetWriteDeadline(past) // the deadline of an earlier write
	require.NoError(t, client.(interface{ CloseWrite() error }).CloseWrite())
	said, err := io.ReadAll(client)
	require.NoError(t, err)
	assert.Equal(t, "thanks", string(said))
	assert.True(t, bytes.Equal(want, <-got))
	assert.Equal(t, io.EOF, <-gone)
	_, err = client.Write(want)
	assert.ErrorIs(t, err, net.ErrClosed)
}

// TestTunnelAsksAfterCloseWrite checks that the client polls once more after CloseWrite, even if the last answer was empty.
func TestTunnelAsksAfterCloseWrite(t *testing.T) {
	var tunnel tunnel
	tunnel.init(nil, nil)
	tunnel.schedule("idle", 1, 0)
	require.NoError(t, tunnel.CloseWrite())
	op, _ := tunnel.next()
	assert.Equal(t, "idle", op)
	tunnel.schedule(op, 1, 5)
	op, _ = tunnel.next()
	assert.Equal(t, "idle", op)
	tunnel.schedule(op, 1, 0)
	op, _ = tunnel.next()
	assert.Equal(t, "close", op)
	tunnel.poll.stop()
}

func TestTunnelServerCloses(t *testing.T) {
	want := noise(6, 700<<10)
	client := dialTunnel(t, Config{}, serveTunnel(t, func(nc net.Conn) { nc.Write(want) }))
	got, err := io.ReadAll(client)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
	_, err = client.Write(want)
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}

// TestTunnelClose checks that Close sends the written bytes, closes the session, and may be called again.
func TestTunnelClose(t *testing.T) {
	got := make(chan []byte, 1)
	client := dialTunnel(t, Config{}, serveTunnel(t, func(nc net.Conn) {
		b, _ := io.ReadAll(nc) // io.EOF only if the client has closed the session
		got <- b
	}))
	_, err := io.WriteString(client, "the end")
	require.NoError(t, err)
	require.NoError(t, client.Close())
	require.NoError(t, client.Close())
	assert.Equal(t, "the end", string(<-got))
	_, err = client.Read(make([]byte, 1))
	assert.ErrorIs(t, err, net.ErrClosed)
	_, err = client.Write(make([]byte, 1))
	assert.ErrorIs(t, err, net.ErrClosed)
	assert.ErrorIs(t, client.SetDeadline(time.Time{}), net.ErrClosed)
	assert.ErrorIs(t, client.(interface{ CloseWrite() error }).CloseWrite(), net.ErrClosed)
}

// TestTunnelRequestsAreSerial checks that there is only one request at a time, and that bytes written during a request share the next one.
func TestTunnelRequestsAreSerial(t *testing.T) {
	var sends, sizes, underWay atomic.Int64
	first, hold := make(chan struct{}), make(chan struct{})
	serve, accepted := handOver(t)
	addr := serveTunnel(t, serve, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.EqualValues(t, 1, underWay.Add(1))
			defer underWay.Add(-1)
			if strings.HasPrefix(r.URL.Path, "/send/") {
				sizes.Add(r.ContentLength)
				if sends.Add(1) == 1 {
					close(first)
					<-hold
				}
			}
			assert.Equal(t, "Keep-Alive", r.Header.Get("Connection"))
			assert.Equal(t, "application/x-fcs", r.Header.Get("Content-Type"))
			next.ServeHTTP(w, r)
		})
	})
	client := dialTunnel(t, Config{}, addr)
	for range 100 {
		_, err := client.Write(make([]byte, 100))
		require.NoError(t, err)
		<-first
	}
	close(hold)
	_, err := io.ReadFull(<-accepted, make([]byte, 100*100))
	require.NoError(t, err)
	assert.EqualValues(t, 2, sends.Load())
	assert.EqualValues(t, 100*100, sizes.Load())
}

func TestTunnelAddresses(t *testing.T) {
	serve, accepted := handOver(t)
	addr := serveTunnel(t, serve)
	client := dialTunnel(t, Config{}, addr)
	server := <-accepted
	assert.Equal(t, addr, client.RemoteAddr().String())
	assert.Equal(t, addr, server.LocalAddr().String())
	assert.Equal(t, server.RemoteAddr().String(), client.LocalAddr().String())
	assert.Equal(t, "tcp", server.RemoteAddr().Network())
}

func TestTunnelPolling(t *testing.T) {
	const ms = time.Millisecond
	type answer struct {
		op       string
		interval byte
		received int
	}
	for name, test := range map[string]struct {
		answers []answer
		want    time.Duration // expected time until the next poll
		eager   bool
	}{
		"after a send":                {[]answer{{"send", 1, 0}}, 10 * ms, false},
		"one empty poll":              {[]answer{{"send", 1, 0}, {"idle", 1, 0}}, 20 * ms, false},
		"three":                       {[]answer{{"send", 1, 0}, {"idle", 1, 0}, {"idle", 1, 0}, {"idle", 1, 0}}, 80 * ms, false},
		"many":                        {append([]answer{}, make([]answer, 99)...), 500 * ms, false},
		"a send among them":           {append(make([]answer, 99), answer{"send", 1, 0}), 10 * ms, false},
		"a reply":                     {append(make([]answer, 99), answer{"idle", 1, 100}), 10 * ms, true},
		"a stream":                    {append(make([]answer, 99), answer{"idle", 1, 9000}), 0, true},
		"the server wants a pause":    {[]answer{{"idle", 0x11, 0}}, 240 * ms, false},
		"in a stream":                 {[]answer{{"idle", 3, 9000}}, 30 * ms, false},
		"of half a second":            {[]answer{{"idle", 0x21, 0}}, 480 * ms, false},
		"of a second":                 {[]answer{{"idle", 0x41, 0}}, 500 * ms, false},
		"of four":                     {[]answer{{"idle", 0xff, 0}}, 500 * ms, false},
		"shorter than ours, in vain":  {append(make([]answer, 4), answer{"idle", 3, 0}), 160 * ms, false},
		"an interval of 0 means none": {[]answer{{"idle", 0, 9000}}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tunnel tunnel
				tunnel.init(nil, nil)
				for _, a := range test.answers {
					tunnel.schedule(a.op, a.interval, a.received)
				}
				assert.Equal(t, test.want, time.Until(tunnel.poll.at))
				assert.Equal(t, test.eager, tunnel.eager)
				tunnel.poll.stop()
			})
		})
	}
}

func TestTunnelUsesHTTPClient(t *testing.T) {
	addr := serveTunnel(t, echo)
	used := new(atomic.Int64)
	inner := &http.Transport{}
	defer inner.CloseIdleConnections()
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		used.Add(1)
		return inner.RoundTrip(r)
	})}
	nc := dialTunnel(t, Config{HTTPClient: client, Proxy: "socks5://127.0.0.1:1"}, addr)
	_, err := io.WriteString(nc, "hello")
	require.NoError(t, err)
	_, err = io.ReadFull(nc, make([]byte, 5))
	require.NoError(t, err)
	require.NoError(t, nc.Close())
	assert.GreaterOrEqual(t, used.Load(), int64(3))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTunnelURL(t *testing.T) {
	for addr, host := range map[string]string{"server.test:80": "server.test:80", "[2001:db8::1]:8080": "[2001:db8::1]:8080"} {
		var asked *url.URL
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			asked = r.URL
			r.Body.Close()
			return nil, io.ErrNoProgress
		})}
		d, err := NewDialer(Config{HTTPClient: client})
		require.NoError(t, err)
		_, err = d.DialTunnel(t.Context(), addr, true)
		require.ErrorIs(t, err, io.ErrNoProgress)
		assert.Equal(t, "https://"+host+"/open/1", asked.String())
	}
}
