package transport

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// sessionTimeout is how long a session lives without a request, and how long a request may make no progress.
	sessionTimeout = 30 * time.Second
	// maxSessions is the maximum number of sessions of a server.
	maxSessions = 1024
	// maxHold is how long a request waits for data for its answer. It saves a request if the data takes a moment, and slows down
	// clients that poll without a pause, as librtmp does.
	maxHold = 15 * time.Millisecond
	// maxEmpty is the number of consecutive empty answers after which clients are asked to poll less often.
	maxEmpty = 10
)

// intervals are the interval bytes in answers, from busy to idle, that Flash Media Server and Red5 use.
var intervals = [...]byte{0x01, 0x03, 0x05, 0x09, 0x11, 0x21}

// TunnelServer is the server's half of RTMPT: an http.Handler for /fcs/ident2, /open/1, /idle/ID/N, /send/ID/N and /close/ID/N. It keeps at
// most 1024 sessions. A session without a request for 30 seconds ends.
type TunnelServer struct {
	serve   func(net.Conn)
	timeout time.Duration
	running sync.WaitGroup // the calls of serve

	mu       sync.Mutex
	closed   bool
	sessions map[string]*session
}

// NewTunnelServer returns a server that calls serve for every session, on a new goroutine. It closes the net.Conn when serve returns. Reads
// return io.EOF when the client has closed the session.
func NewTunnelServer(serve func(net.Conn)) *TunnelServer {
	return &TunnelServer{serve: serve, timeout: sessionTimeout, sessions: make(map[string]*session)}
}

// Close ends all sessions and waits until the calls of serve have returned.
func (s *TunnelServer) Close() {
	s.mu.Lock()
	s.closed = true
	for id, session := range s.sessions {
		delete(s.sessions, id)
		session.expiry.Stop()
		session.end(net.ErrClosed)
	}
	s.mu.Unlock()
	s.running.Wait()
}

// ServeHTTP serves one request.
func (s *TunnelServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "RTMPT is POST only", http.StatusMethodNotAllowed)
		return
	}
	part := strings.Split(r.URL.Path, "/")
	switch {
	case r.URL.Path == "/open/1":
		s.open(w, r)
		return
	case len(part) == 4 && (part[1] == "send" || part[1] == "idle" || part[1] == "close"):
		s.mu.Lock()
		session := s.sessions[part[2]]
		s.mu.Unlock()
		sequence, err := strconv.ParseUint(part[3], 10, 64)
		if session != nil && err == nil {
			session.request(w, r, part[1], sequence)
			return
		}
	}
	// Also the answer to /fcs/ident2, where it means that there is no other machine to use.
	http.NotFound(w, r)
}

// open begins a session.
func (s *TunnelServer) open(w http.ResponseWriter, r *http.Request) {
	id := rand.Text()
	one := &session{server: s, id: id, turn: make(chan struct{}, 1)}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		local = tunnelAddr(r.Host)
	}
	one.init(local, tunnelAddr(r.RemoteAddr))
	one.tls = r.TLS
	s.mu.Lock()
	if s.closed || len(s.sessions) >= maxSessions {
		s.mu.Unlock()
		http.Error(w, "no session left", http.StatusServiceUnavailable)
		return
	}
	s.sessions[id] = one
	one.expiry = time.AfterFunc(s.timeout, func() { one.remove(io.ErrUnexpectedEOF) })
	s.running.Go(func() {
		defer one.Close()
		s.serve(one)
	})
	s.mu.Unlock()
	reply(w, []byte(id+"\n"))
}

// reply sends the answer with its length, which librtmp needs.
func reply(w http.ResponseWriter, parts ...[]byte) error {
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	w.Header().Set("Content-Type", "application/x-fcs")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	if err := http.NewResponseController(w).Flush(); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// session is a net.Conn whose bytes are carried by the requests of one client.
type session struct {
	duplex
	server *TunnelServer
	id     string
	expiry *time.Timer
	tls    *tls.ConnectionState // of the request that opened the session; nil without TLS

	turn     chan struct{} // held by the request that is being served; guards sequence, started and empty
	started  bool          // sequence is known; clients begin with 0 or 1
	sequence uint64        // of the next request
	empty    int           // consecutive answers without data
	hold     deadline      // see await; guarded by duplex.mu
	busy     func() bool   // nil: never busy; guarded by duplex.mu
}

// TLS returns the state of the connection that opened the session, or nil if it was unencrypted. It distinguishes RTMPTS from RTMPT.
func (s *session) TLS() *tls.ConnectionState { return s.tls }

// SetBusy tells the session when the application is about to write, although it reads already: a send is then answered with what it
// writes, which spares a round trip, unless that takes too long. busy is called with a lock held and must not use the session.
func (s *session) SetBusy(busy func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = busy
}

// Close lets the client fetch what has been written.
func (s *session) Close() error {
	s.leave()
	return nil
}

// remove removes the session from the server.
func (s *session) remove(why error) {
	s.server.mu.Lock()
	delete(s.server.sessions, s.id)
	s.server.mu.Unlock()
	s.expiry.Stop()
	s.end(why)
}

// request serves one request. A request with the wrong number changes nothing: a proxy may have repeated an old one.
func (s *session) request(w http.ResponseWriter, r *http.Request, op string, sequence uint64) {
	if !s.enter(r.Context()) {
		return
	}
	defer func() { <-s.turn }()
	s.expiry.Stop()
	if s.ended() {
		http.NotFound(w, r)
		return
	}
	defer func() {
		if !s.ended() {
			s.expiry.Reset(s.server.timeout)
		}
	}()
	if s.started && sequence != s.sequence {
		http.Error(w, "out of sequence", http.StatusBadRequest)
		return
	}
	s.started, s.sequence = true, sequence+1
	if err := s.receiveBody(w, r, op); err != nil {
		s.remove(io.ErrUnexpectedEOF) // the client's next bytes would not fit
		return
	}
	if op == "close" {
		s.remove(io.EOF)
	}
	s.answer(w)
}

// enter waits for the turn. A client that has hung up after its request is served if that is possible at once.
func (s *session) enter(ctx context.Context) bool {
	select {
	case s.turn <- struct{}{}:
		return true
	default:
	}
	select {
	case s.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *session) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over != nil
}

// receiveBody delivers the body of a send, and skips that of any other request.
func (s *session) receiveBody(w http.ResponseWriter, r *http.Request, op string) error {
	control := http.NewResponseController(w)
	defer control.SetReadDeadline(time.Time{})
	for {
		control.SetReadDeadline(time.Now().Add(s.server.timeout)) // servers that don't support it have a timeout of their own
		var err error
		if op == "send" {
			_, err = s.receive(r.Body)
		} else {
			_, err = io.CopyN(io.Discard, r.Body, 1<<10)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if op != "close" {
		s.await(op)
	}
	return nil
}

// await waits briefly for data for the answer. A send need not wait any longer when the application has read all of it, waits for more,
// and is not busy.
func (s *session) await(op string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold.set(time.Now().Add(maxHold), s.wake)
	for len(s.out) == 0 && !s.closed && s.over == nil && !s.hold.passed() {
		if op == "send" && s.hungry() && (s.busy == nil || !s.busy()) {
			break
		}
		s.changed.Wait()
	}
	s.hold.stop()
}

// answer sends the interval byte and what has been written. An interval of zero says that the session is about to end.
func (s *session) answer(w http.ResponseWriter) {
	s.mu.Lock()
	b := s.take()
	last := len(b) == 0 && s.closed || s.over != nil
	s.mu.Unlock()
	interval := byte(0)
	switch {
	case last:
		s.remove(io.EOF)
	case len(b) > 0:
		s.empty, interval = 0, intervals[0]
	default:
		s.empty++
		interval = intervals[min(max(0, s.empty-maxEmpty), len(intervals)-1)]
	}
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Now().Add(s.server.timeout))
	err := reply(w, []byte{interval}, b)
	control.SetWriteDeadline(time.Time{})
	if err != nil {
		s.remove(io.ErrUnexpectedEOF)
	}
	s.release(b)
}
