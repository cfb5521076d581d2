package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// answers returns a handler that answers with a status and a body, and with a content type unless it is empty.
func answers(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// raw returns a fault: the given bytes, after which the connection is closed.
func raw(bytes string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer nc.Close()
		io.WriteString(nc, bytes)
	}
}

// instead answers requests for op with fault, from the n-th request on, counted from 0.
func instead(op string, n int64, fault http.HandlerFunc) func(http.Handler) http.Handler {
	var seen atomic.Int64
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/"+op+"/") && seen.Add(1) > n {
				fault(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

const fcs = "application/x-fcs"

var tunnelFaults = []struct {
	name   string
	fault  http.HandlerFunc
	status int
	text   string
}{
	{"bad request", answers(400, fcs, "\x00"), 400, "HTTP status 400 Bad Request"},
	{"not found", answers(404, "text/html", "<html>"), 404, "HTTP status 404 Not Found"},
	{"server error", answers(500, "", "x"), 500, "HTTP status 500 Internal Server Error"},
	{"unavailable", answers(503, fcs, ""), 503, "HTTP status 503 Service Unavailable"},
	{"no content", answers(204, fcs, ""), 204, "HTTP status 204 No Content"},
	{"redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/open/1", http.StatusTemporaryRedirect)
	}, 307, "307 Temporary Redirect"},
	{"page", answers(200, "text/html; charset=utf-8", "<html>"), 0, "the answer is text/html; charset=utf-8, not application/x-fcs"},
	{"json", answers(200, "application/json", "{}"), 0, "the answer is application/json,"},
	{"bad content type", answers(200, "text/\xff"+strings.Repeat("x", 99), "1"), 0, "the answer is text/\\xffxxx"},
	{"compressed", raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08\x00\x00"), 0, "the answer is compressed: gzip"},
	{"no answer", raw(""), 0, "EOF"},
	{"no HTTP", raw("\x03\x00\x00\x00\r\n\r\n"), 0, "malformed HTTP"},
	{"cut in the header", raw("HTTP/1.1 200 OK\r\nContent-Type: appl"), 0, "unexpected EOF"},
	{"cut before the body", raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), 0, "unexpected EOF"},
	{"bad length", raw("HTTP/1.1 200 OK\r\nContent-Length: -9\r\n\r\n"), 0, "bad Content-Length"},
	{"bad chunk", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 0, "invalid byte in chunk length"},
	{"endless header", raw("HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 1<<15)), 0, "server response headers exceeded"},
}

// isTunnelError checks that err is the expected *TunnelError, and that its text does not contain the session id.
func isTunnelError(t *testing.T, err error, op string, status int, text string) {
	var broken *TunnelError
	require.ErrorAs(t, err, &broken)
	assert.Equal(t, op, broken.Op)
	assert.Equal(t, status, broken.Status)
	assert.Contains(t, err.Error(), "tunnel: "+op+": ")
	assert.Contains(t, err.Error(), text)
	assert.NotContains(t, err.Error(), "://")
	assert.Equal(t, "tunnel", Stage(err))
}

// TestTunnelFollowsNoRedirect checks that no answer leads a tunnel to another server, even if Config.HTTPClient follows redirects.
func TestTunnelFollowsNoRedirect(t *testing.T) {
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		var misled atomic.Int64
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { misled.Add(1) }))
		defer other.Close()
		redirect := func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			http.Redirect(w, r, other.URL+"/open/1", status)
		}
		cfg := Config{HTTPClient: other.Client()}
		_, err := tryTunnel(t, cfg, serveTunnel(t, echo, instead("open", 0, redirect)))
		isTunnelError(t, err, "open", status, "HTTP status")
		nc := dialTunnel(t, cfg, serveTunnel(t, echo, instead("send", 0, redirect)))
		_, err = nc.Write(make([]byte, 9))
		require.NoError(t, err)
		_, err = nc.Read(make([]byte, 1))
		isTunnelError(t, err, "send", status, "HTTP status")
		assert.Zero(t, misled.Load(), "requests to the other server")
	}
}

func TestTunnelFaults(t *testing.T) {
	for _, test := range append(tunnelFaults, tunnelFaults[0]) {
		t.Run(test.name, func(t *testing.T) {
			_, err := tryTunnel(t, Config{}, serveTunnel(t, echo, instead("open", 0, test.fault)))
			isTunnelError(t, err, "open", test.status, test.text)

			for n := range int64(2) {
				nc := dialTunnel(t, Config{}, serveTunnel(t, echo, instead("idle", n, test.fault)))
				_, err = nc.Read(make([]byte, 1))
				isTunnelError(t, err, "idle", test.status, test.text)
				_, err = nc.Write(make([]byte, 1))
				isTunnelError(t, err, "idle", test.status, test.text) // all later calls return the same error
			}

			nc := dialTunnel(t, Config{}, serveTunnel(t, echo, instead("send", 1, test.fault)))
			_, err = io.WriteString(nc, "hello")
			require.NoError(t, err)
			got := make([]byte, 5)
			_, err = io.ReadFull(nc, got)
			require.NoError(t, err)
			_, err = io.WriteString(nc, "hello")
			require.NoError(t, err)
			_, err = nc.Read(got)
			isTunnelError(t, err, "send", test.status, test.text)

			// The answer to the final request does not matter.
			nc = dialTunnel(t, Config{}, serveTunnel(t, echo, instead("close", 0, test.fault)))
			require.NoError(t, nc.(interface{ CloseWrite() error }).CloseWrite())
			_, err = nc.Read(got)
			assert.Equal(t, io.EOF, err)

			// The answer to /fcs/ident2 does not matter either, as long as it is HTTP.
			_, err = tryTunnel(t, Config{Ident: true}, serveTunnel(t, echo, instead("fcs", 0, test.fault)))
			if test.status != 0 || strings.HasPrefix(test.text, "the answer is ") || test.name == "cut before the body" ||
				test.name == "bad chunk" {
				require.NoError(t, err)
			} else {
				isTunnelError(t, err, "ident2", 0, test.text)
			}
		})
	}
}

func TestTunnelSessionID(t *testing.T) {
	const none, bad = "the server sent no session id", "the answer is not a session id"
	for body, text := range map[string]string{
		"":                              none,
		"\n":                            none,
		"\x00":                          none, // Red5 answers this if it has no free session
		"..\n":                          none,
		"a/b\n":                         bad,
		"a b\n":                         bad,
		"a%2fb\n":                       bad,
		"a?b\n":                         bad,
		"a#b":                           bad,
		"ab\x01":                        bad,
		"a\r\nb":                        bad,
		"\x03abc":                       bad,
		"h\u00e9":                       bad,
		"h\u017f":                       bad, // a rune whose lowest byte is a letter
		strings.Repeat("a", 129) + "\n": "too long",
		strings.Repeat("a", 1<<20):      "too long",
	} {
		_, err := tryTunnel(t, Config{}, serveTunnel(t, echo, instead("open", 0, answers(200, fcs, body))))
		isTunnelError(t, err, "open", 0, text)
	}
	for body, id := range map[string]string{"1\n": "1", "C0FFEE\r\n": "C0FFEE", " a-b_c.d~e:f@g=h ": "a-b_c.d~e:f@g=h",
		strings.Repeat("a", 128) + "\r\n": strings.Repeat("a", 128)} {
		asked := make(chan string, 1)
		addr := serveTunnel(t, echo, instead("open", 0, answers(200, fcs, body)),
			instead("idle", 0, func(w http.ResponseWriter, r *http.Request) {
				select {
				case asked <- r.RequestURI:
				default:
				}
				answers(200, fcs, "\x01")(w, r)
			}))
		dialTunnel(t, Config{}, addr)
		assert.Equal(t, "/idle/"+id+"/0", <-asked)
	}
}

// TestTunnelBrokenAnswer checks that all bytes of a truncated answer can be read before the error is returned.
func TestTunnelBrokenAnswer(t *testing.T) {
	for body, want := range map[string]string{
		"Content-Length: 9\r\n\r\n\x01hello":                       "hello",
		"Content-Length: 9\r\n\r\n\x01":                            "",
		"Transfer-Encoding: chunked\r\n\r\n4\r\n\x01abc\r\n5\r\nd": "abcd",
	} {
		nc := dialTunnel(t, Config{}, serveTunnel(t, echo, instead("idle", 0, raw("HTTP/1.1 200 OK\r\n"+body))))
		got, err := io.ReadAll(nc)
		assert.Equal(t, want, string(got))
		isTunnelError(t, err, "idle", 0, "unexpected EOF")
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	nc := dialTunnel(t, Config{}, serveTunnel(t, echo, instead("idle", 0, answers(200, fcs, ""))))
	_, err := nc.Read(make([]byte, 1))
	isTunnelError(t, err, "idle", 0, "the answer is empty")
}

// TestTunnelAnswersCutAnywhere checks that the received bytes are the same, however the server divides them into answers.
func TestTunnelAnswersCutAnywhere(t *testing.T) {
	want := noise(7, 3000)
	for name, size := range map[string]func(n int) int{
		"one by one":    func(int) int { return 1 },
		"empty between": func(n int) int { return n % 2 * 100 },
		"all at once":   func(int) int { return len(want) },
		"growing":       func(n int) int { return n * n },
	} {
		t.Run(name, func(t *testing.T) {
			rest, n := want, 0
			addr := serveTunnel(t, echo, instead("idle", 0, func(w http.ResponseWriter, r *http.Request) {
				m := min(size(n), len(rest))
				n++
				if m%2 == 0 { // in one piece
					answers(200, fcs, "\x01"+string(rest[:m]))(w, r)
				} else { // byte by byte
					for _, b := range append([]byte{1}, rest[:m]...) {
						w.Write([]byte{b})
						http.NewResponseController(w).Flush()
					}
				}
				rest = rest[m:]
			}))
			nc := dialTunnel(t, Config{}, addr)
			got := make([]byte, len(want))
			piece := got
			if name == "one by one" {
				piece = got[:30] // 3000 polls would take too long
			}
			_, err := io.ReadFull(nc, piece)
			require.NoError(t, err)
			assert.Equal(t, want[:len(piece)], piece)
		})
	}
}

func TestTunnelDialFails(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
	cfg := Config{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, refused }}
	for proxy, stage := range map[string]string{"": "dial", "socks5://proxy.test": "proxy", "http://proxy.test": "proxy"} {
		cfg.Proxy = proxy
		_, err := tryTunnel(t, cfg, "server.test:80")
		var broken *TunnelError
		require.ErrorAs(t, err, &broken)
		assert.ErrorIs(t, err, refused)
		assert.Equal(t, stage, Stage(err))
	}
	_, err := tryTunnel(t, cfg, "server.test")
	assert.Equal(t, "dial", Stage(err))
}

// TestTunnelAnnouncedEnd checks the end of a session that is announced by an interval of zero. Servers differ in how they treat requests
// after that.
func TestTunnelAnnouncedEnd(t *testing.T) {
	for _, test := range tunnelFaults {
		lone := instead("idle", 0, answers(200, fcs, "\x00"))
		nc := dialTunnel(t, Config{}, serveTunnel(t, echo, lone, instead("idle", 1, test.fault)))
		_, err := nc.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err, test.name)
	}
}

// TestTunnelWithoutKeepAlive checks that a server that closes every connection after its answer works, with a new connection for each
// request.
func TestTunnelWithoutKeepAlive(t *testing.T) {
	serve, accepted := handOver(t)
	nc := dialTunnel(t, Config{}, serveTunnel(t, serve, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			next.ServeHTTP(w, r)
		})
	}))
	fullDuplex(t, nc, <-accepted, 1<<20)
}

// TestTunnelAnswerBeforeRequest checks that an answer that arrives before the request was sent is an error.
func TestTunnelAnswerBeforeRequest(t *testing.T) {
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		body := "\x01"
		switch {
		case r.URL.Path == "/open/1":
			body = "1\n"
			io.Copy(io.Discard, r.Body)
		case strings.HasPrefix(r.URL.Path, "/send/"):
			r.Body.Read(make([]byte, 1))
		default:
			io.Copy(io.Discard, r.Body)
		}
		r.Body.Close()
		w := httptest.NewRecorder()
		io.WriteString(w, body)
		return w.Result(), nil
	})}
	nc := dialTunnel(t, Config{HTTPClient: client}, "server.test:80")
	_, err := nc.Write(make([]byte, 2))
	require.NoError(t, err)
	_, err = nc.Read(make([]byte, 1))
	isTunnelError(t, err, "send", 0, "the server answered before it had received the whole request")
}

// TestTunnelTimeoutBelow checks that a timeout of the connection below HTTP ends the session, and that its error differs from that of a
// deadline of the tunnel.
func TestTunnelTimeoutBelow(t *testing.T) {
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		r.Body.Close()
		return nil, os.ErrDeadlineExceeded
	})}
	_, err := tryTunnel(t, Config{HTTPClient: client}, "server.test:80")
	isTunnelError(t, err, "open", 0, "i/o timeout")
	assert.NotErrorIs(t, err, os.ErrDeadlineExceeded)
}

// TestTunnelServerHangsUp checks the error after the server has closed the connection, and net/http has then closed the client's end. The
// error must not be net.ErrClosed, since the caller has not closed the tunnel.
func TestTunnelServerHangsUp(t *testing.T) {
	addr := conntest.Serve(t, func(nc net.Conn) { nc.Read(make([]byte, 1)) })
	for range 300 {
		d, err := NewDialer(Config{})
		require.NoError(t, err)
		_, err = d.DialTunnel(t.Context(), addr, false)
		require.Error(t, err)
		require.NotErrorIs(t, err, net.ErrClosed)
	}
}
