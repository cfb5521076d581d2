package main

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/server"
)

// TestHTTP plays one stream in every way that --http offers.
func TestHTTP(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "rtmpdump")
	c := start(t, "--http", "127.0.0.1:0")
	publish(t, c.url("live/x"))
	play(t, c.url("live/x")).takes(1)

	c.view("/live/x.flv", "FLV")
	c.view("/fmp4/live/x.mp4", "ftyp")

	file := filepath.Join(t.TempDir(), "tunnel.flv")
	programtest.Run(t, "rtmpdump", "-q", "-v", "-r", "rtmpt://"+c.http+"/live/x", "-B", "1", "-o", file)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	_, err = testserver.Tags(b)
	assert.NoError(t, err)

	socket, response, err := websocket.Dial(conntest.Context(t), "ws://"+c.http+"/live/x.flv",
		&websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}}})
	require.NoError(t, err)
	assert.Equal(t, "https://elsewhere.example", response.Header.Get("Access-Control-Allow-Origin"))
	socket.SetReadLimit(1 << 20)
	_, message, err := socket.Read(conntest.Context(t))
	require.NoError(t, err)
	assert.Equal(t, "FLV", string(message[:3]))

	status, body := c.get("GET", "/")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "<html")
	status, body = c.get("GET", "/api/streams")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"path":"live/x"`)
	_, port, err := net.SplitHostPort(c.rtmp)
	require.NoError(t, err)
	assert.Contains(t, body, `"port":"`+port+`"`)
	status, body = c.get("GET", "/healthz")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "ok\n", body)
	status, body = c.get("GET", "/metrics")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "\nrtmp_publishers 1\n")
	assert.Contains(t, body, "\ngo_goroutines ")
	assert.NotContains(t, body, "live/x")
	status, body = c.get("GET", "/stats")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"Path":"live/x"`)

	var all []client
	status, body = c.get("GET", "/api/clients")
	assert.Equal(t, http.StatusOK, status)
	require.NoError(t, json.Unmarshal([]byte(body), &all))
	ids := make(map[string]string) // client ids by role and transport
	for _, one := range all {
		for _, s := range one.Streams {
			assert.Equal(t, "live/x", s.Path)
			ids[s.Does+" "+s.Transport] = one.ID
		}
	}
	assert.Contains(t, ids, "play rtmp")
	for _, ended := range []string{"publish rtmp", "play http"} {
		require.Contains(t, ids, ended)
		status, _ = c.get("DELETE", "/api/clients/"+ids[ended])
		assert.Equal(t, http.StatusNoContent, status)
	}
	for err == nil { // until the viewer is disconnected
		_, _, err = socket.Read(conntest.Context(t))
	}
	require.Eventually(t, func() bool {
		_, body := c.get("GET", "/metrics")
		return strings.Contains(body, "\nrtmp_publishers 0\n")
	}, patience, 20*time.Millisecond)
	status, _ = c.get("DELETE", "/api/clients/999")
	assert.Equal(t, http.StatusNotFound, status)
}

// TestGuarded checks that the names of streams are shown only to clients that may see them.
func TestGuarded(t *testing.T) {
	t.Parallel()
	inside := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	open, closed := guarded{accounts{"op": "secret"}, inside}, guarded{nil, inside}
	for name, test := range map[string]struct {
		guarded        guarded
		remote, host   string
		header         [2]string
		user, password string
		want           int
	}{
		"this machine":                {closed, "127.0.0.1:1", "localhost:8080", [2]string{}, "", "", 200},
		"this machine, IPv6":          {closed, "[::1]:1", "[::1]:8080", [2]string{}, "", "", 200},
		"a name that leads here":      {closed, "127.0.0.1:1", "rebound.example", [2]string{}, "", "", 403},
		"a proxy here":                {closed, "127.0.0.1:1", "localhost", [2]string{"X-Forwarded-For", "192.0.2.1"}, "", "", 403},
		"a proxy here, as nginx is":   {closed, "127.0.0.1:1", "127.0.0.1:8080", [2]string{"Connection", "close"}, "", "", 403},
		"elsewhere":                   {closed, "192.0.2.1:1", "localhost", [2]string{}, "", "", 403},
		"a password that is nobody's": {closed, "192.0.2.1:1", "server.example", [2]string{}, "op", "", 403},
		"no password":                 {open, "192.0.2.1:1", "server.example", [2]string{}, "", "", 401},
		"the password":                {open, "192.0.2.1:1", "server.example", [2]string{}, "op", "secret", 200},
		"another password":            {open, "192.0.2.1:1", "server.example", [2]string{}, "op", "Secret", 401},
		"another name":                {open, "192.0.2.1:1", "server.example", [2]string{}, "po", "secret", 401},
		"an empty name and password":  {open, "192.0.2.1:1", "server.example", [2]string{}, "po", "", 401},
	} {
		r := httptest.NewRequest("GET", "http://"+test.host+"/stats", nil)
		r.RemoteAddr = test.remote
		if test.header[0] == "Connection" {
			r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
		}
		if test.header[0] != "" {
			r.Header.Set(test.header[0], test.header[1])
		}
		if test.user != "" {
			r.SetBasicAuth(test.user, test.password)
		}
		w := httptest.NewRecorder()
		test.guarded.ServeHTTP(w, r)
		assert.Equal(t, test.want, w.Code, name)
	}
}

// TestOtherOrigins checks that web pages of other origins can play streams if --cors allows it. They must not be able to disconnect
// clients.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	c := start(t, "--http", "127.0.0.1:0", "--cors", "https://mine.example", "--await", "-1s")
	for origin, want := range map[string]string{"https://mine.example": "https://mine.example", "https://other.example": ""} {
		request, err := http.NewRequestWithContext(conntest.Context(t), http.MethodOptions, "http://"+c.http+"/live/x.flv", nil)
		require.NoError(t, err)
		request.Header.Set("Origin", origin)
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, want, response.Header.Get("Access-Control-Allow-Origin"))
		assert.Equal(t, want != "", response.StatusCode == http.StatusNoContent)
	}
	request, err := http.NewRequestWithContext(conntest.Context(t), http.MethodDelete, "http://"+c.http+"/api/clients/1", nil)
	require.NoError(t, err)
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	response.Body.Close()
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// TestTunnel checks that --tunnel forwards RTMPT to a server that does not support it.
func TestTunnel(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "rtmpdump")
	target := start(t)
	publish(t, target.url("live/x"))
	tunnel := startIn(t, t.TempDir(), "--tunnel", "127.0.0.1:0", "--target", target.rtmp)
	tunnel.await("forwards to")
	_, rest, _ := strings.Cut(tunnel.text(), `"address":"`)
	address, _, _ := strings.Cut(rest, `"`)
	file := filepath.Join(t.TempDir(), "out.flv")
	programtest.Run(t, "rtmpdump", "-q", "-v", "-r", "rtmpt://"+address+"/live/x", "-B", "1", "-o", file)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	_, err = testserver.Tags(b)
	assert.NoError(t, err)
	tunnel.signal(os.Interrupt)
	assert.Equal(t, exitSuccess, tunnel.wait())
}

// TestSiteIsGuarded checks that access is restricted to all pages that show the names of streams, but not to media.
func TestSiteIsGuarded(t *testing.T) {
	t.Parallel()
	srv := &server.Server{Logger: slog.New(slog.DiscardHandler), Apps: map[string]*server.App{"*": {Live: server.Live{Await: -1}}}}
	defer srv.Close()
	h := newSite(&settings{httpUsers: accounts{"op": "secret"}}, srv)
	public := newSite(&settings{httpPublic: true}, srv)
	for _, test := range []struct {
		method, path     string
		want, wantPublic int
	}{
		{"GET", "/", 401, 200}, {"GET", "/api/streams", 401, 200}, {"GET", "/stats", 401, 200},
		{"GET", "/api/clients", 401, 403}, {"DELETE", "/api/clients/1", 401, 403},
		{"GET", "/fmp4/../api/streams", 307, 307}, {"GET", "//api/streams", 307, 307}, {"GET", "/fmp4/..%2fapi/streams", 404, 404},
		{"GET", "/healthz", 200, 200}, {"GET", "/metrics", 200, 200}, {"POST", "/fcs/ident2", 404, 404},
		{"GET", "/live/x.flv", 404, 404}, {"GET", "/fmp4/live/x.mp4", 404, 404},
	} {
		for site, want := range map[*site]int{h: test.want, public: test.wantPublic} {
			r := httptest.NewRequest(test.method, "http://server.example"+test.path, nil)
			r.RemoteAddr = "192.0.2.1:1"
			w := httptest.NewRecorder()
			site.ServeHTTP(w, r)
			assert.Equal(t, want, w.Code, "%s %s, public %v", test.method, test.path, site == public)
		}
	}
}

// TestTunnelOfAPage checks that a web page whose host name was made to resolve to the server's address can't use RTMPT from the machine
// that shows the page.
func TestTunnelOfAPage(t *testing.T) {
	t.Parallel()
	srv := &server.Server{Logger: slog.New(slog.DiscardHandler)}
	defer srv.Close()
	site := newSite(&settings{}, srv)
	for origin, want := range map[string]int{"": http.StatusOK, "http://server.example": http.StatusForbidden} {
		r := httptest.NewRequest(http.MethodPost, "http://server.example/open/1", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		assert.Equal(t, want, w.Code, origin)
	}
}
