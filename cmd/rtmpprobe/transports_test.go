package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestStagesOfEveryTransport checks the stages up to the handshake for each transport.
func TestStagesOfEveryTransport(t *testing.T) {
	t.Parallel()
	for scheme, want := range map[string][]string{
		"rtmp":   {"tcp", "handshake"},
		"rtmps":  {"tcp", "tls", "handshake"},
		"rtmpe":  {"tcp", "handshake"},
		"rtmpt":  {"tcp", "tunnel", "handshake"},
		"rtmpts": {"tcp", "tls", "tunnel", "handshake"},
		"rtmpte": {"tcp", "tunnel", "handshake"},
	} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			srv := rtmptest.Server(t, testserver.Config{Scheme: scheme})
			r, got := probed(t, "--insecure", "--try", "never", srv.URL("vod", "sample"))
			assert.Equal(t, want, r.until("handshake"), got.stdout)
			assert.NotNil(t, r.Media.Video)
			for _, s := range r.Stages {
				assert.Empty(t, s.Error, s.Name)
			}
		})
	}
}

func (r reported) until(last string) (names []string) {
	for _, s := range r.Stages {
		if names = append(names, s.Name); s.Name == last {
			break
		}
	}
	return names
}

func TestThroughAProxy(t *testing.T) {
	t.Parallel()
	srv := rtmptest.Server(t, testserver.Config{})
	proxy := conntest.Serve(t, func(nc net.Conn) { connectProxy(nc) })
	r, got := probed(t, "--proxy", "http://user:pa55word@"+proxy, "--try", "never", srv.URL("vod", "sample"))
	assert.Equal(t, []string{"tcp", "proxy", "handshake"}, r.until("handshake"), got.stdout)
	assert.Contains(t, r.Stages[0].Text, "the proxy, "+proxy)
	assert.NotContains(t, got.stdout, "pa55word")

	refuses := conntest.Serve(t, func(nc net.Conn) { io.WriteString(nc, "HTTP/1.1 403 Forbidden\r\n\r\n") })
	r, _ = probed(t, "--proxy", "http://"+refuses, "--try", "never", srv.URL("vod", "sample"))
	assert.Equal(t, []string{"proxy"}, r.ids())
}

// TestTunnelRefused checks the stages if a proxy or a server refuses the first request of a tunnel: an HTTP proxy gets that request instead
// of the server.
func TestTunnelRefused(t *testing.T) {
	t.Parallel()
	answers := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	for _, test := range []struct {
		proxy, server int
		want, finding string // the stages before the failed one, which is the last, and the finding
	}{
		{http.StatusProxyAuthRequired, 0, "tcp proxy", "proxy"},
		{http.StatusNotFound, 0, "tcp proxy tunnel", "tunnel"},
		{0, http.StatusNotFound, "tcp tunnel", "tunnel"},
	} {
		args := []string{"--try", "never", "rtmpt://127.0.0.1:1/live/x"}
		if test.proxy != 0 {
			args = append(args, "--proxy", "http://"+answers(test.proxy))
		} else {
			args[2] = "rtmpt://" + answers(test.server) + "/live/x"
		}
		r, got := probed(t, args...)
		assert.Equal(t, test.want, strings.Join(r.until(""), " "), got.stdout)
		last := r.Stages[len(r.Stages)-1]
		assert.Contains(t, last.Error, strconv.Itoa(max(test.proxy, test.server)))
		assert.Equal(t, []string{test.finding}, r.ids())
	}
}

func connectProxy(nc net.Conn) {
	request, err := http.ReadRequest(bufio.NewReader(nc))
	if err != nil {
		return
	}
	server, err := net.Dial("tcp", request.Host)
	if err != nil {
		return
	}
	defer server.Close()
	io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(server, nc)
		server.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(nc, server)
	nc.Close()
	<-done
}
