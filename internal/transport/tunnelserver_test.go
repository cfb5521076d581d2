package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

// ask calls the handler directly, like a server that supports neither deadlines nor flushing.
func ask(h http.Handler, method, path, body string) (status int, answer string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(struct{ http.ResponseWriter }{w}, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

// openSession begins a session and returns its id.
func openSession(t *testing.T, s *TunnelServer) string {
	status, id := ask(s, "POST", "/open/1", "\x00")
	require.Equal(t, 200, status)
	require.Regexp(t, `^[A-Z2-7]{26}\n$`, id)
	return strings.TrimSpace(id)
}

func TestTunnelServer(t *testing.T) {
	type step struct{ op, body, answer string }
	for name, test := range map[string]struct {
		first int // number
		steps []step
	}{
		"echo":               {0, []step{{"send", "hello", "\x01hello"}, {"send", "you", "\x01you"}}},
		"numbers from one":   {1, []step{{"send", "hello", "\x01hello"}, {"idle", "\x00", "\x01"}}},
		"body of idle":       {0, []step{{"idle", "hello", "\x01"}, {"send", "you", "\x01you"}}},
		"empty send":         {0, []step{{"send", "", "\x01"}, {"send", "you", "\x01you"}}},
		"close":              {0, []step{{"close", "\x00", "\x00"}}},
		"close after a send": {0, []step{{"send", "hello", "\x01hello"}, {"close", "hello", "\x00"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // an answer waits maxHold for the echo
				s := NewTunnelServer(echo)
				defer s.Close()
				id := openSession(t, s)
				for i, step := range test.steps {
					status, answer := ask(s, "POST", fmt.Sprintf("/%s/%s/%d", step.op, id, test.first+i), step.body)
					assert.Equal(t, 200, status)
					assert.Equal(t, step.answer, answer)
				}
			})
		})
	}
}

func TestTunnelServerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // an answer waits maxHold for the echo
		s := NewTunnelServer(echo)
		defer s.Close()
		id := openSession(t, s)
		for _, test := range []struct {
			method, path string
			status       int
		}{
			{"GET", "/open/1", 405},
			{"GET", "/idle/" + id + "/0", 405},
			{"PUT", "/send/" + id + "/0", 405},
			{"POST", "/fcs/ident2", 404}, // the client should use this machine
			{"POST", "/", 404},
			{"POST", "", 404},
			{"POST", "/open", 404},
			{"POST", "/open/2", 404},
			{"POST", "/open/1/2", 404},
			{"POST", "/idle/" + id, 404},
			{"POST", "/idle/" + id + "/", 404},
			{"POST", "/idle/" + id + "/x", 404},
			{"POST", "/idle/" + id + "/-1", 404},
			{"POST", "/idle/" + id + "/18446744073709551616", 404},
			{"POST", "/idle/" + id + "/0/0", 404},
			{"POST", "/idle//0", 404},
			{"POST", "/idle/" + id[1:] + "/0", 404},
			{"POST", "/what/" + id + "/0", 404},
		} {
			status, _ := ask(s, test.method, "http://server.test"+test.path, "hello")
			assert.Equal(t, test.status, status, "%s %s", test.method, test.path)
		}
		// The session still works: none of these requests has affected it.
		_, answer := ask(s, "POST", "/send/"+id+"/0", "hello")
		assert.Equal(t, "\x01hello", answer)
	})
}

// TestTunnelServerOutOfTurn checks that a request with the wrong number has no effect, since a proxy may have repeated it.
func TestTunnelServerOutOfTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // an answer waits maxHold for the echo
		s := NewTunnelServer(echo)
		defer s.Close()
		id := openSession(t, s)
		_, answer := ask(s, "POST", "/send/"+id+"/7", "hello")
		assert.Equal(t, "\x01hello", answer)
		for _, n := range []int{7, 6, 0, 9} {
			status, _ := ask(s, "POST", fmt.Sprintf("/send/%s/%d", id, n), "again")
			assert.Equal(t, 400, status)
			status, _ = ask(s, "POST", fmt.Sprintf("/close/%s/%d", id, min(n, 7)), "again")
			assert.Equal(t, 400, status)
		}
		_, answer = ask(s, "POST", "/send/"+id+"/8", "you")
		assert.Equal(t, "\x01you", answer)
	})
}

func TestTunnelServerIntervals(t *testing.T) {
	serve, accepted := handOver(t)
	s := NewTunnelServer(serve)
	t.Cleanup(s.Close)
	idle, n := "/idle/"+openSession(t, s)+"/", 0
	poll := func() string {
		_, answer := ask(s, "POST", fmt.Sprint(idle, n), "\x00")
		n++
		return answer
	}
	nc := <-accepted
	seen := ""
	for range 17 {
		seen += poll()
	}
	assert.Equal(t, strings.Repeat("\x01", 10)+"\x03\x05\x09\x11\x21\x21\x21", seen)
	io.WriteString(nc, "hello")
	assert.Equal(t, "\x01hello", poll())
	assert.Equal(t, "\x01", poll())
}

// TestTunnelServerConnCloses checks that the client can fetch the bytes that were written before Close, followed by the end. If the
// application has not read everything, the end must be an error.
func TestTunnelServerConnCloses(t *testing.T) {
	for name, test := range map[string]struct {
		bytes    string // sent before the application closes
		requests []string
		answers  []string
	}{
		"nothing was sent":     {"", []string{"idle", "idle", "idle"}, []string{"200 \x01bye", "200 \x00", "404"}},
		"nothing is sent":      {"", []string{"send", "send", "idle"}, []string{"200 \x01bye", "200 \x00", "404"}},
		"everything was read":  {"x", []string{"idle", "idle", "idle"}, []string{"200 \x01bye", "200 \x00", "404"}},
		"not everything":       {"xy", []string{"idle", "idle", "idle"}, []string{"200 \x01bye", "410", "404"}},
		"more is sent":         {"x", []string{"idle", "send more", "idle"}, []string{"200 \x01bye", "410", "404"}},
		"more is sent at once": {"x", []string{"send more", "idle", "idle"}, []string{"200 \x01bye", "410", "404"}},
	} {
		t.Run(name, func(t *testing.T) {
			sent := make(chan struct{})
			s := NewTunnelServer(func(nc net.Conn) {
				<-sent
				if test.bytes != "" {
					io.ReadFull(nc, make([]byte, 1))
				}
				io.WriteString(nc, "bye")
			})
			defer s.Close()
			id := openSession(t, s)
			ask(s, "POST", "/send/"+id+"/0", test.bytes)
			close(sent)
			s.running.Wait()
			for i, request := range test.requests {
				op, body, _ := strings.Cut(request, " ")
				status, answer := ask(s, "POST", fmt.Sprintf("/%s/%s/%d", op, id, i+1), body)
				if status == 200 {
					assert.Equal(t, test.answers[i], "200 "+answer, request)
				} else {
					assert.Equal(t, test.answers[i], fmt.Sprint(status), request)
				}
			}
		})
	}
}

// readAll returns a function that serves a session by reading it to the end.
func readAll() (serve func(net.Conn), ended chan error) {
	ended = make(chan error, 1)
	return func(nc net.Conn) {
		_, err := io.Copy(io.Discard, nc)
		ended <- err
	}, ended
}

func TestTunnelServerSessionEnds(t *testing.T) {
	t.Run("for want of requests", func(t *testing.T) {
		serve, ended := readAll()
		s := NewTunnelServer(serve)
		defer s.Close()
		s.timeout = time.Millisecond
		id := openSession(t, s)
		assert.Equal(t, io.ErrUnexpectedEOF, <-ended)
		status, _ := ask(s, "POST", "/idle/"+id+"/0", "\x00")
		assert.Equal(t, 404, status)
	})
	t.Run("with a close after a request that never arrived", func(t *testing.T) {
		serve, ended := readAll()
		s := NewTunnelServer(serve)
		defer s.Close()
		id := openSession(t, s)
		ask(s, "POST", "/send/"+id+"/0", "hello")
		status, _ := ask(s, "POST", "/close/"+id+"/2", "\x00")
		assert.Equal(t, 400, status)
		assert.Zero(t, s.Sessions())
		assert.Equal(t, io.ErrUnexpectedEOF, <-ended)
	})
	t.Run("with half a request", func(t *testing.T) {
		serve, ended := readAll()
		s := NewTunnelServer(serve)
		defer s.Close()
		s.timeout = time.Hour
		id := openSession(t, s)
		r := httptest.NewRequest("POST", "/send/"+id+"/0", io.MultiReader(strings.NewReader("hel"), brokenReader{}))
		s.ServeHTTP(httptest.NewRecorder(), r)
		status, _ := ask(s, "POST", "/send/"+id+"/1", "lo")
		require.Equal(t, 404, status)
		assert.Equal(t, io.ErrUnexpectedEOF, <-ended)
	})
	t.Run("with a request that never ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			serve, ended := readAll()
			s := NewTunnelServer(serve)
			web, l := &http.Server{Handler: s}, conntest.NewPipes("server")
			go web.Serve(l)
			defer web.Close()
			defer s.Close()
			id := openSession(t, s)
			nc, err := l.DialContext(t.Context(), "", "")
			require.NoError(t, err)
			defer nc.Close()
			fmt.Fprintf(nc, "POST /send/%s/0 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhel", id)
			answer, err := io.ReadAll(nc)
			require.NoError(t, err, "the server closes the connection")
			assert.Contains(t, string(answer), "400 Bad Request")
			assert.Equal(t, io.ErrUnexpectedEOF, <-ended)
		})
	})
	t.Run("with an answer that is lost", func(t *testing.T) {
		serve, ended := readAll()
		s := NewTunnelServer(serve)
		defer s.Close()
		s.timeout = time.Hour
		id := openSession(t, s)
		s.ServeHTTP(brokenWriter{httptest.NewRecorder()}, httptest.NewRequest("POST", "/idle/"+id+"/0", strings.NewReader("\x00")))
		status, _ := ask(s, "POST", "/idle/"+id+"/1", "\x00")
		require.Equal(t, 404, status)
		assert.Equal(t, io.ErrUnexpectedEOF, <-ended)
	})
	t.Run("with the server", func(t *testing.T) {
		serve, ended := readAll()
		s := NewTunnelServer(serve)
		openSession(t, s)
		s.Close()
		assert.Equal(t, net.ErrClosed, <-ended)
		status, _ := ask(s, "POST", "/open/1", "\x00")
		assert.Equal(t, 503, status)
	})
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestTunnelServerEndlessBody checks that the server does not go on reading a request that nobody needs.
func TestTunnelServerEndlessBody(t *testing.T) {
	for _, op := range []string{"idle", "close", "send"} {
		s := NewTunnelServer(func(nc net.Conn) { nc.Close() })
		id := openSession(t, s)
		s.running.Wait()
		body := &io.LimitedReader{R: endless{}, N: 16 << 20}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/"+op+"/"+id+"/0", body))
		assert.Equal(t, http.StatusBadRequest, w.Code, op)
		assert.Greater(t, body.N, int64(8<<20), op)
		s.Close()
	}
}

// TestTunnelServerBodyAllocations checks that what has no limit, the number of reads of a body, costs no memory.
func TestTunnelServerBodyAllocations(t *testing.T) {
	s := NewTunnelServer(func(nc net.Conn) { nc.Close() }) // nobody reads, so that the pieces need no memory
	defer s.Close()
	id := openSession(t, s)
	s.running.Wait()
	for _, op := range []string{"idle", "send"} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		const reads = 1000
		allocations := testing.AllocsPerRun(10, func() {
			r.Body = io.NopCloser(iotest.OneByteReader(io.LimitReader(endless{}, reads)))
			s.sessions[id].receiveBody(punctual{}, r, op)
		})
		assert.Less(t, allocations, reads/2.0, op) // under the race detector, sync.Pool drops some blocks
	}
}

// punctual is a response of a server that supports deadlines.
type punctual struct{ http.ResponseWriter }

func (punctual) SetReadDeadline(time.Time) error { return nil }

// endless is the body of a request that never ends.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func TestTunnelServerHasItsLimit(t *testing.T) {
	s := NewTunnelServer(echo)
	defer s.Close()
	seen := make(map[string]bool)
	open := func(client int) (status int, id string) {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/open/1", strings.NewReader("\x00"))
		r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", client)
		s.ServeHTTP(w, r)
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	for i := range maxSessions {
		status, id := open(i % 4)
		require.Equal(t, 200, status)
		seen[id] = true
	}
	assert.Len(t, seen, maxSessions)
	status, _ := open(4)
	assert.Equal(t, 503, status)
	for id := range seen {
		ask(s, "POST", "/close/"+id+"/0", "\x00")
		break
	}
	status, _ = open(4)
	assert.Equal(t, 200, status)
}

// TestTunnelServerHasALimitForAnAddress checks that one address can't use all sessions. Loopback addresses are exempt, since a proxy with
// unknown clients may connect from there.
func TestTunnelServerHasALimitForAnAddress(t *testing.T) {
	for address, limited := range map[string]bool{"192.0.2.1:1": true, "[2001:db8::1]:1": true, "127.0.0.1:1": false} {
		s := NewTunnelServer(echo)
		opened, refused := 0, 0
		for range maxSessions/4 + 1 {
			w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/open/1", strings.NewReader("\x00"))
			r.RemoteAddr = address
			if s.ServeHTTP(w, r); w.Code == 200 {
				opened++
			} else {
				assert.Equal(t, 503, w.Code)
				refused++
			}
		}
		assert.Equal(t, limited, refused == 1, "%s: %d opened, %d refused", address, opened, refused)
		s.Close()
	}
}

// TestTunnelServerAdmits checks that a session that Admit refuses does not begin, and does not count towards the limit of sessions.
func TestTunnelServerAdmits(t *testing.T) {
	allowed, served := false, make(chan net.Addr, 1)
	s := NewTunnelServer(nil)
	s.Admit = func(remote net.Addr) (func(net.Conn), error) {
		if !allowed {
			return nil, errors.New("not now")
		}
		return func(nc net.Conn) { served <- remote }, nil
	}
	for range 2 * maxSessions {
		status, body := ask(s, "POST", "/open/1", "\x00")
		require.Equal(t, 503, status)
		require.Equal(t, "not now\n", body)
	}
	allowed = true
	openSession(t, s)
	assert.Equal(t, "192.0.2.1:1234", (<-served).String())
	s.Close()
}

// TestTunnelServerPipelining checks a client that sends requests without waiting for the answers, as librtmp does.
func TestTunnelServerPipelining(t *testing.T) {
	s := NewTunnelServer(func(nc net.Conn) {
		b, _ := io.ReadAll(nc)
		nc.Write(b) // too late
	})
	web := httptest.NewServer(s)
	defer web.Close()
	defer s.Close()
	id := openSession(t, s)
	nc, err := net.Dial("tcp", web.Listener.Addr().String())
	require.NoError(t, err)
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	const request = "POST /%s/%s/%d HTTP/1.1\r\nHost: x:80\r\nConnection: Keep-Alive\r\nContent-length: 3\r\n\r\nabc"
	for n := range 50 {
		fmt.Fprintf(nc, request, "send", id, n)
	}
	fmt.Fprintf(nc, request, "close", id, 50)
	nc.(*net.TCPConn).CloseWrite()
	answers, err := io.ReadAll(nc)
	require.NoError(t, err)
	// librtmp needs exactly these headers.
	assert.Equal(t, 51, strings.Count(string(answers), "HTTP/1.1 200 "))
	assert.Equal(t, 51, strings.Count(string(answers), "\r\nContent-Length: 1\r\n"))
}

// TestTunnelServerBusy checks that the answer to a send contains the bytes that the application is about to write, even if the application
// is already reading.
func TestTunnelServerBusy(t *testing.T) {
	for _, busy := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := NewTunnelServer(func(nc net.Conn) {
				nc.(*session).SetBusy(func() bool { return busy })
				io.ReadFull(nc, make([]byte, 5))
				go func() {
					time.Sleep(time.Millisecond)
					nc.Write([]byte("answer"))
				}()
				nc.Read(make([]byte, 1))
			})
			defer s.Close()
			defer time.Sleep(time.Second) // the answer is written even if the test fails
			_, answer := ask(s, "POST", "/send/"+openSession(t, s)+"/0", "hello")
			assert.Equal(t, busy, answer == "\x01answer")
		})
	}
}
