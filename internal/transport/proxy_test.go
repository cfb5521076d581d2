package transport

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// turn is one exchange with a fake proxy: the expected request, and the answer.
type turn struct{ ask, answer string }

// fakeProxy is a proxy that follows a script and then echoes what it receives. Its connection is a net.Pipe, so that each of its writes is
// a separate read for the client.
type fakeProxy struct {
	script  []turn
	dribble bool // answer byte by byte
	hangUp  bool // close the connection after the script
	asked   []string
	dialled string
	running sync.WaitGroup
}

func (f *fakeProxy) dial(_ context.Context, _, addr string) (net.Conn, error) {
	client, server := net.Pipe()
	f.dialled = addr
	f.running.Go(func() {
		defer server.Close()
		f.serve(server)
	})
	return client, nil
}

func (f *fakeProxy) serve(nc net.Conn) {
	for _, turn := range f.script {
		got := make([]byte, len(turn.ask))
		n, _ := io.ReadFull(nc, got)
		f.asked = append(f.asked, string(got[:n]))
		step := len(turn.answer)
		if f.dribble {
			step = 1
		}
		for rest := turn.answer; len(rest) > 0; rest = rest[step:] {
			if _, err := io.WriteString(nc, rest[:step]); err != nil {
				return
			}
		}
	}
	if !f.hangUp {
		io.Copy(nc, nc)
	}
}

// through dials addr through f. At the end of the test it closes the connection and waits for f.
func (f *fakeProxy) through(t *testing.T, ctx context.Context, proxy, addr string) (net.Conn, error) {
	d, err := NewDialer(Config{Proxy: proxy, DialContext: f.dial})
	require.NoError(t, err)
	nc, err := d.Dial(ctx, addr)
	t.Cleanup(func() {
		if nc != nil {
			nc.Close()
		}
		f.running.Wait()
	})
	return nc, err
}

func connectRequest(header string) string {
	return "CONNECT server.test:1935 HTTP/1.1\r\nHost: server.test:1935\r\nUser-Agent: Go-http-client/1.1\r\n" + header + "\r\n"
}

const granted4 = "\x00\x5a\x00\x00\x00\x00\x00\x00"

var goodProxies = []struct {
	name, proxy, addr, dialled string
	script                     []turn
	after                      string // bytes from the server that arrive together with the proxy's answer
}{
	{"socks4", "socks4://proxy.test", "192.0.2.1:1935", "proxy.test:1080",
		[]turn{{"\x04\x01\x07\x8f\xc0\x00\x02\x01\x00", granted4}}, ""},
	{"socks4 resolves", "socks4://proxy.test:1", "localhost:80", "proxy.test:1",
		[]turn{{"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", granted4}}, ""},
	{"socks4 user", "SOCKS4://me@[::1]:99", "192.0.2.1:1935", "[::1]:99",
		[]turn{{"\x04\x01\x07\x8f\xc0\x00\x02\x01me\x00", granted4}}, ""},
	{"socks4 mapped address", "socks4://proxy.test", "[::ffff:192.0.2.1]:1935", "proxy.test:1080",
		[]turn{{"\x04\x01\x07\x8f\xc0\x00\x02\x01\x00", granted4}}, ""},
	{"socks4a name", "socks4a://proxy.test", "server.test:1935", "proxy.test:1080",
		[]turn{{"\x04\x01\x07\x8f\x00\x00\x00\x01\x00server.test\x00", granted4}}, ""},
	{"socks4a address", "socks4a://proxy.test", "192.0.2.1:1935", "proxy.test:1080",
		[]turn{{"\x04\x01\x07\x8f\xc0\x00\x02\x01\x00", granted4}}, ""},
	{"socks4 server first", "socks4://proxy.test", "192.0.2.1:1935", "proxy.test:1080",
		[]turn{{"\x04\x01\x07\x8f\xc0\x00\x02\x01\x00", granted4 + "hello"}}, "hello"},
	{"socks5", "socks5://proxy.test", "server.test:1935", "proxy.test:1080", []turn{
		{"\x05\x01\x00", "\x05\x00"},
		{"\x05\x01\x00\x03\x0bserver.test\x07\x8f", "\x05\x00\x00\x01\x01\x02\x03\x04\x00\x05"}}, ""},
	{"socks5h address and server first", "socks5h://proxy.test", "192.0.2.1:1935", "proxy.test:1080", []turn{
		{"\x05\x01\x00", "\x05\x00"},
		{"\x05\x01\x00\x01\xc0\x00\x02\x01\x07\x8f", "\x05\x00\x00\x03\x02ab\x00\x05hello"}}, "hello"},
	{"socks5 password", "socks5://me:p%40ss@proxy.test", "[2001:db8::1]:1935", "proxy.test:1080", []turn{
		{"\x05\x02\x00\x02", "\x05\x02"},
		{"\x01\x02me\x04p@ss", "\x01\x00"},
		{"\x05\x01\x00\x04\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01\x07\x8f",
			"\x05\x00\x00\x04" + strings.Repeat("\x00", 18)}}, ""},
	{"http", "http://proxy.test", "server.test:1935", "proxy.test:80",
		[]turn{{connectRequest(""), "HTTP/1.1 200 OK\r\n\r\n"}}, ""},
	{"http without scheme", "proxy.test:3128", "server.test:1935", "proxy.test:3128",
		[]turn{{connectRequest(""), "HTTP/1.0 200 Connection established\r\nX: y\r\n\r\n"}}, ""},
	{"http password", "http://me:p%40ss@proxy.test", "server.test:1935", "proxy.test:80",
		[]turn{{connectRequest("Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("me:p@ss")) + "\r\n"),
			"HTTP/1.1 200 OK\r\n\r\n"}}, ""},
	{"http interim answers", "http://proxy.test", "server.test:1935", "proxy.test:80",
		[]turn{{connectRequest(""), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello"}}, "hello"},
	{"http server first", "http://proxy.test", "server.test:1935", "proxy.test:80",
		[]turn{{connectRequest(""), "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello"}}, "hello"},
}

func TestDialThroughProxy(t *testing.T) {
	for _, test := range goodProxies {
		for name, dribble := range map[string]bool{"": false, ", dribbled": true} {
			t.Run(test.name+name, func(t *testing.T) {
				f := &fakeProxy{script: test.script, dribble: dribble}
				nc, err := f.through(t, t.Context(), test.proxy, test.addr)
				require.NoError(t, err)
				assert.Equal(t, test.dialled, f.dialled)
				after := make([]byte, len(test.after)) // read in two pieces, so that the prefix of a prefixedConn is read in two pieces, too
				_, err = io.ReadFull(nc, after[:len(after)/2])
				require.NoError(t, err)
				_, err = io.ReadFull(nc, after[len(after)/2:])
				require.NoError(t, err)
				assert.Equal(t, test.after, string(after))
				require.NoError(t, nc.SetDeadline(time.Now().Add(10*time.Second)))
				_, err = io.WriteString(nc, "ping")
				require.NoError(t, err)
				echo := make([]byte, 4)
				_, err = io.ReadFull(nc, echo)
				require.NoError(t, err)
				assert.Equal(t, "ping", string(echo))
				for i, turn := range test.script {
					assert.Equal(t, turn.ask, f.asked[i])
				}
			})
		}
	}
}

func TestProxyRefuses(t *testing.T) {
	const ask4 = "\x04\x01\x07\x8f\x00\x00\x00\x01\x00server.test\x00"
	hello5 := turn{"\x05\x02\x00\x02", "\x05\x02"}
	login5 := turn{"\x01\x06myname\x08mysecret", "\x01\x00"}
	const ask5 = "\x05\x01\x00\x03\x0bserver.test\x07\x8f"
	socks4, socks5, web := "socks4a://proxy.test", "socks5://myname:mysecret@proxy.test", "http://proxy.test"
	for name, test := range map[string]struct {
		proxy  string
		script []turn
		code   int
		text   string
	}{
		"socks4 rejected":        {socks4, []turn{{ask4, "\x00\x5b\x00\x00\x00\x00\x00\x00"}}, 91, "request rejected or failed (code 91)"},
		"socks4 identd":          {socks4, []turn{{ask4, "\x00\x5c\x00\x00\x00\x00\x00\x00"}}, 92, "no identd"},
		"socks4 other user":      {socks4, []turn{{ask4, "\x00\x5d\x00\x00\x00\x00\x00\x00"}}, 93, "another user id"},
		"socks4 unknown code":    {socks4, []turn{{ask4, "\x00\x01\x00\x00\x00\x00\x00\x00"}}, 1, "unknown answer (code 1)"},
		"socks4 version":         {socks4, []turn{{ask4, "HTTP/1.1"}}, 0, "answered 0x48: not a SOCKS4 proxy?"},
		"socks4 short":           {socks4, []turn{{ask4, "\x00\x5a\x00"}}, 0, "answered 3 of 8 bytes: unexpected EOF"},
		"socks4 nothing":         {socks4, []turn{{ask4, ""}}, 0, "answered 0 of 8 bytes: unexpected EOF"},
		"socks5 refused":         {socks5, []turn{hello5, login5, {ask5, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"}}, 0, "does not connect to the server: connection refused"},
		"socks5 rules":           {socks5, []turn{hello5, login5, {ask5, "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"}}, 0, "does not connect to the server: connection not allowed by ruleset"},
		"socks5 login":           {socks5, []turn{hello5, {login5.ask, "\x01\x01"}}, 0, "refuses the user or the password: username/password authentication failed"},
		"socks5 no method":       {socks5, []turn{{hello5.ask, "\x05\xff"}}, 0, "refuses the user or the password: no acceptable authentication methods"},
		"socks5 login wanted":    {"socks5://proxy.test", []turn{{"\x05\x01\x00", "\x05\xff"}}, 0, "add user:password@ to its URL: no acceptable"},
		"socks5 version":         {socks5, []turn{{hello5.ask, "\x04\x00"}}, 0, "unexpected protocol version 4"},
		"socks5 address type":    {socks5, []turn{hello5, login5, {ask5, "\x05\x00\x00\x09\x00\x00"}}, 0, "unknown address type"},
		"socks5 short":           {socks5, []turn{hello5, login5, {ask5, "\x05\x00\x00\x03\xff"}}, 0, "EOF"},
		"http password wanted":   {web, []turn{{connectRequest(""), "HTTP/1.1 407 No\r\n\r\n"}}, 407, "add user:password@ to its URL: Proxy Authentication Required (code 407)"},
		"http password wrong":    {"http://myname:mysecret@proxy.test", []turn{{connectRequest("Proxy-Authorization: Basic bXluYW1lOm15c2VjcmV0\r\n"), "HTTP/1.1 401 No\r\n\r\n"}}, 401, "refuses the user or the password: Unauthorized (code 401)"},
		"http unreachable":       {web, []turn{{connectRequest(""), "HTTP/1.1 500 x\r\n\r\n"}}, 500, "does not connect to the server: Internal Server Error (code 500)"},
		"http forbidden":         {web, []turn{{connectRequest(""), "HTTP/1.0 403 x\r\nContent-Length: 9\r\n\r\nforbidden"}}, 403, "does not connect to the server: Forbidden"},
		"http not http":          {web, []turn{{connectRequest(""), "SSH-2.0-OpenSSH\r\n"}}, 0, "no HTTP answer"},
		"http cut":               {web, []turn{{connectRequest(""), "HTTP/1.1 200 OK\r\nA: b"}}, 0, "unexpected EOF"},
		"http nothing":           {web, []turn{{connectRequest(""), ""}}, 0, "unexpected EOF"},
		"http bad status":        {web, []turn{{connectRequest(""), "HTTP/1.1 2x0 OK\r\n\r\n"}}, 0, "no HTTP answer"},
		"http endless header":    {web, []turn{{connectRequest(""), "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 1<<14)}}, 0, "more than 16384 bytes"},
		"http endless line":      {web, []turn{{connectRequest(""), "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 1<<17)}}, 0, "more than 16384 bytes"},
		"http switching, not ok": {web, []turn{{connectRequest(""), "HTTP/1.1 101 Switching Protocols\r\n\r\n"}}, 101, "code 101"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeProxy{script: test.script, hangUp: true}
			_, err := f.through(t, t.Context(), test.proxy, "server.test:1935")
			var refused *ProxyError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, test.code, refused.Code)
			assert.Contains(t, err.Error(), test.text)
			assert.NotContains(t, err.Error(), "mysecret")
			assert.NotContains(t, err.Error(), "myname")
			assert.Equal(t, "proxy", Stage(err))
		})
	}
}

// TestProxySilent checks that dialing through a proxy ends when ctx is done, wherever in the exchange the proxy stops answering.
func TestProxySilent(t *testing.T) {
	for _, test := range goodProxies {
		for silent := range test.script {
			t.Run(test.name, func(t *testing.T) {
				script := append(test.script[:silent:silent], turn{test.script[silent].ask, ""})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				script = append(script, turn{"more", ""}) // the proxy then waits for a request that the client does not send
				f := &fakeProxy{script: script}
				go cancel()
				_, err := f.through(t, ctx, test.proxy, test.addr)
				require.ErrorIs(t, err, context.Canceled)

				ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				f = &fakeProxy{script: script}
				_, err = f.through(t, ctx, test.proxy, test.addr)
				var timeout net.Error
				require.ErrorAs(t, err, &timeout)
				assert.True(t, timeout.Timeout())
			})
		}
	}
}

func TestProxyUnreachable(t *testing.T) {
	refused := errors.New("refused")
	for scheme := range proxyPorts {
		d, err := NewDialer(Config{Proxy: scheme + "://me:mysecret@proxy.test",
			DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, refused }})
		require.NoError(t, err)
		_, err = d.Dial(t.Context(), "192.0.2.1:1935")
		require.ErrorIs(t, err, refused)
		assert.Equal(t, "proxy: "+scheme+" proxy.test:"+proxyPorts[scheme]+": can't be reached: refused", err.Error())
	}
}

func TestBadProxyURL(t *testing.T) {
	for raw, text := range map[string]string{
		"ftp://me:mysecret@proxy.test":                                  "unknown scheme",
		"socks://proxy.test":                                            "unknown scheme",
		"socks4://":                                                     "host or port",
		"socks4://me:mysecret@":                                         "host or port",
		"socks5://me:mysecret@proxy.test:0":                             "host or port",
		"socks5://me:mysecret@proxy.test:99999":                         "host or port",
		"socks5://me:mysecret@proxy.test:x":                             "not a URL",
		"socks5://me:mysec%ret@proxy.test":                              "not a URL",
		"http://me:mysecret@proxy\x01.test":                             "not a URL",
		"socks5://me:" + strings.Repeat("mysecret", 40) + "@proxy.test": "at most 255",
		"socks5://:mysecret@proxy.test":                                 "1 to 255 bytes",
		"socks4://me%00mysecret@proxy.test":                             "none of them zero",
		"http://me%3Amysecret:x@proxy.test":                             "no colon",
	} {
		_, err := NewDialer(Config{Proxy: raw})
		var bad *ProxyError
		require.ErrorAs(t, err, &bad, raw)
		assert.Contains(t, err.Error(), text)
		assert.NotContains(t, err.Error(), "mysecret")
	}
}

func TestBadTarget(t *testing.T) {
	d, err := NewDialer(Config{Proxy: "http://proxy.test", DialContext: func(context.Context, string, string) (net.Conn, error) {
		t.Error("dialled")
		return nil, os.ErrInvalid
	}})
	require.NoError(t, err)
	for _, addr := range []string{"", "host", "host:", "host:0", "host:65536", "host:http", ":1935", "a b:1935",
		"a\r\nX: y:1935", "a/b:1935", "a@b:1935", strings.Repeat("a", 256) + ":1935", "a\x00b:1935"} {
		_, err := d.Dial(t.Context(), addr)
		require.Error(t, err, "%q", addr)
		assert.Equal(t, "dial", Stage(err))
	}
}

func TestSOCKS4HasNoIPv6(t *testing.T) {
	f := &fakeProxy{hangUp: true}
	_, err := f.through(t, t.Context(), "socks4://proxy.test", "[2001:db8::1]:1935")
	assert.ErrorContains(t, err, "has no IPv6: use socks5")
	_, err = f.through(t, t.Context(), "socks4://proxy.test", "name.invalid:1935")
	assert.ErrorContains(t, err, "name not resolved here")
}

func TestProxyOfEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		env                  map[string]string
		proxy                string // value of Config.Proxy
		rtmp, http, https    string // the proxy for URLs of each scheme; "" means none
		addr, wrong, without string
	}{
		"nothing":         {},
		"all":             {env: map[string]string{"ALL_PROXY": "socks5://a.test"}, rtmp: "a.test:1080", http: "a.test:1080", https: "a.test:1080"},
		"lower case":      {env: map[string]string{"all_proxy": "socks5://a.test"}, rtmp: "a.test:1080", http: "a.test:1080", https: "a.test:1080"},
		"http":            {env: map[string]string{"HTTP_PROXY": "h.test:1", "HTTPS_PROXY": "https://s.test"}, http: "h.test:1", https: "s.test:443"},
		"special first":   {env: map[string]string{"HTTP_PROXY": "h.test:1", "ALL_PROXY": "socks4://a.test"}, rtmp: "a.test:1080", http: "h.test:1", https: "a.test:1080"},
		"a CGI's":         {env: map[string]string{"HTTP_PROXY": "h.test:1", "REQUEST_METHOD": "GET"}},
		"no proxy":        {env: map[string]string{"ALL_PROXY": "a.test", "NO_PROXY": "other.test,server.test"}},
		"no proxy at all": {env: map[string]string{"ALL_PROXY": "a.test", "no_proxy": "*"}},
		"no proxy, other": {env: map[string]string{"ALL_PROXY": "a.test", "NO_PROXY": "other.test"}, rtmp: "a.test:80", http: "a.test:80", https: "a.test:80"},
		"loopback":        {env: map[string]string{"ALL_PROXY": "a.test"}, addr: "127.0.0.1:1935"},
		"direct":          {env: map[string]string{"ALL_PROXY": "a.test"}, proxy: "direct"},
		"explicit":        {env: map[string]string{"ALL_PROXY": "a.test", "NO_PROXY": "*"}, proxy: "e.test", rtmp: "e.test:80", http: "e.test:80", https: "e.test:80"},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			d, err := NewDialer(Config{Proxy: test.proxy})
			require.NoError(t, err)
			addr := "server.test:1935"
			if test.addr != "" {
				addr = test.addr
			}
			for scheme, want := range map[string]string{"rtmp": test.rtmp, "http": test.http, "https": test.https} {
				p, err := d.proxyFor(scheme, addr)
				require.NoError(t, err)
				if want == "" {
					assert.Nil(t, p, scheme)
				} else if assert.NotNil(t, p, scheme) {
					assert.Equal(t, want, p.addr, scheme)
				}
			}
		})
	}
}

func TestBadProxyOfEnvironment(t *testing.T) {
	t.Setenv("ALL_PROXY", "socks5://me:mysecret@proxy.test:x")
	d, err := NewDialer(Config{})
	require.NoError(t, err)
	_, err = d.Dial(t.Context(), "server.test:1935")
	require.Error(t, err)
	assert.Equal(t, "proxy: environment variable ALL_PROXY: proxy: not a URL: it should look like socks5://user:password@host:port, with %2F for a / in the password", err.Error())
	_, err = d.proxyFor("rtmp", "127.0.0.1:1935")
	assert.NoError(t, err, "no proxy is needed there")
}
