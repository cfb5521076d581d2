package transport

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/internal/admission"
)

const (
	// sessionTimeout is how long a session lasts without a request, and how long a request may make no progress.
	sessionTimeout = 30 * time.Second
	// maxSessions is the maximum number of sessions of a server, and maxSessionsPerAddr that of sessions from one IPv4 address or IPv6 /64.
	maxSessions        = 1024
	maxSessionsPerAddr = maxSessions / 4
	// maxHold is how long a request waits for data for its answer. The wait saves a request if data becomes available a moment later. It
	// also slows down clients that poll without a pause, as librtmp does.
	maxHold = 15 * time.Millisecond
	// maxSkipped is how many bytes of a request are read that nobody needs.
	maxSkipped = 4 << 20
	// maxEmpty is the number of consecutive empty answers after which clients are asked to poll less often.
	maxEmpty = 10
)

// intervals contains the interval bytes that Flash Media Server and Red5 use in their answers, from busy to idle.
var intervals = [...]byte{0x01, 0x03, 0x05, 0x09, 0x11, 0x21}

// TunnelServer is the server's half of RTMPT: an http.Handler for /fcs/ident2, /open/1, /idle/ID/N, /send/ID/N and /close/ID/N. It keeps at
// most 1024 sessions, and at most 256 from one IPv4 address or IPv6 /64. The second limit does not apply to loopback addresses, where a
// proxy may be running. A session without a request for 30 seconds ends.
type TunnelServer struct {
	// Admit is called before each session. It returns the function that serves the session, like the serve function of NewTunnelServer. If
	// it returns an error, the session is refused, and the client receives the text of the error. Admit must not use the TunnelServer.
	Admit func(remote net.Addr) (serve func(net.Conn), err error)
	// Left is called after the result of Sessions may have decreased.
	Left func()

	timeout time.Duration
	running sync.WaitGroup // running calls of serve

	limiter  admission.Limiter // limits the number of sessions
	mu       sync.Mutex
	closed   bool
	sessions map[string]*session
}

// NewTunnelServer returns a server that calls serve for every session, on a new goroutine. It closes the net.Conn when serve returns. Reads
// return io.EOF when the client has closed the session.
func NewTunnelServer(serve func(net.Conn)) *TunnelServer {
	return &TunnelServer{Admit: func(net.Addr) (func(net.Conn), error) { return serve, nil }, Left: func() {},
		timeout: sessionTimeout, limiter: admission.Limiter{Max: maxSessions, PerAddr: maxSessionsPerAddr}, sessions: make(map[string]*session)}
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
	s.Left()
	s.running.Wait()
}

// Sessions returns the number of sessions. This includes sessions that the application has ended, until the client has fetched their last
// bytes and noticed the end. It does not include sessions that the application has ended without a word.
func (s *TunnelServer) Sessions() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sessions {
		if !one.silent() {
			n++
		}
	}
	return n
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
	// For /fcs/ident2 this answer means that the client should use this machine.
	http.NotFound(w, r)
}

// open serves /open/1. It begins a session.
func (s *TunnelServer) open(w http.ResponseWriter, r *http.Request) {
	id := rand.Text()
	one := &session{server: s, id: id, serving: make(chan struct{}, 1)}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		local = tunnelAddr(r.Host)
	}
	one.init(local, tunnelAddr(r.RemoteAddr))
	one.tls = r.TLS
	if err := s.begin(one); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	reply(w, []byte(id+"\n"))
}

// begin starts serving a session, unless the session is refused.
func (s *TunnelServer) begin(one *session) (err error) {
	addr := admission.AddrOf(one.remote)
	if addr.IsLoopback() {
		addr = netip.Addr{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("the server is closed")
	}
	if one.slot, err = s.limiter.Acquire(addr); err != nil {
		return err
	}
	serve, err := s.Admit(one.remote)
	if err != nil {
		one.slot.Release()
		return err
	}
	s.sessions[one.id] = one
	one.expiry = time.AfterFunc(s.timeout, func() { one.remove(io.ErrUnexpectedEOF) })
	s.running.Go(func() {
		defer s.Left()
		defer one.Close()
		serve(one)
	})
	return nil
}

// reply sends an answer with a Content-Length, which librtmp needs.
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
	slot   *admission.Slot
	expiry *time.Timer
	tls    *tls.ConnectionState // TLS state of the request that opened the session; nil without TLS

	serving  chan struct{} // held while a request is served; guards sequence, started and empty
	started  bool          // sequence is valid; clients begin with 0 or 1
	sequence uint64        // expected number of the next request
	empty    int           // consecutive answers without data
	hold     deadline      // see await; guarded by duplex.mu
	busy     func() bool   // nil means never busy; guarded by duplex.mu
}

// TLS returns the TLS state of the connection that opened the session, or nil if that connection was not encrypted. It distinguishes RTMPTS
// from RTMPT.
func (s *session) TLS() *tls.ConnectionState { return s.tls }

// SetBusy sets a function that reports whether the application is about to write, even if it is already reading. If busy returns true, the
// answer to a send waits a short time for the application's bytes, which saves a round trip. busy is called with a lock held and must not
// use the session.
func (s *session) SetBusy(busy func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = busy
}

// Close ends the session for the application. The client can still fetch the bytes that have been written.
func (s *session) Close() error {
	s.leave()
	return nil
}

// Reset is like Close, but the client is told that the application has not used everything that it has read.
func (s *session) Reset() {
	s.mu.Lock()
	s.lost++
	s.mu.Unlock()
	s.leave()
}

// remove removes the session from the server.
func (s *session) remove(why error) {
	s.server.mu.Lock()
	if s.server.sessions[s.id] == s {
		delete(s.server.sessions, s.id)
		s.slot.Release()
	}
	s.server.mu.Unlock()
	s.server.Left()
	s.expiry.Stop()
	s.end(why)
}

// request serves one request. A request with the wrong number has no effect, since it may be an old request that a proxy has repeated. But
// if it closes the session and its number is too high, the client has given up an earlier request, which may have contained data.
func (s *session) request(w http.ResponseWriter, r *http.Request, op string, sequence uint64) {
	if !s.enter(r.Context()) {
		return
	}
	defer func() { <-s.serving }()
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
		if op == "close" && sequence > s.sequence {
			s.remove(io.ErrUnexpectedEOF)
		}
		http.Error(w, "out of sequence", http.StatusBadRequest)
		return
	}
	s.started, s.sequence = true, sequence+1
	if err := s.receiveBody(w, r, op); err != nil {
		s.remove(io.ErrUnexpectedEOF) // the client's next bytes would not continue those that were received
		http.Error(w, "the request is incomplete", http.StatusBadRequest)
		return
	}
	if op == "close" {
		s.remove(io.EOF)
	}
	s.answer(w)
}

// enter waits until the previous request has been served. If no other request is being served, enter returns true even if the client has
// already closed the connection.
func (s *session) enter(ctx context.Context) bool {
	select {
	case s.serving <- struct{}{}:
		return true
	default:
	}
	select {
	case s.serving <- struct{}{}:
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

// left reports whether nobody will read what is received.
func (s *session) left() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed || s.over != nil
}

// receiveBody delivers the body of a send, and skips the body of any other request, and of a send after the application has closed its end. If
// it fails, the read deadline stays, since net/http waits for the rest of the body before it sends the answer.
func (s *session) receiveBody(w http.ResponseWriter, r *http.Request, op string) error {
	control := http.NewResponseController(w)
	var skip []byte
	if op != "send" {
		skip = make([]byte, 1<<10)
	}
	for skipped := 0; ; {
		control.SetReadDeadline(time.Now().Add(s.server.timeout)) // ignore the error: a server without deadlines has a timeout of its own
		var n int
		var err error
		if op == "send" {
			n, err = s.receive(r.Body, r.ContentLength >= 0)
		} else {
			n, err = r.Body.Read(skip)
		}
		if op != "send" || s.left() {
			skipped += n
		}
		if err == io.EOF {
			break
		}
		if err == nil && skipped > maxSkipped {
			err = errors.New("the body is too long")
		}
		if err != nil {
			return err
		}
	}
	control.SetReadDeadline(time.Time{})
	if op != "close" {
		s.await(op)
	}
	return nil
}

// await waits briefly for data for the answer. The answer to a send does not wait any longer if the application has read all bytes, is
// waiting for more, and is not busy.
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

// answer sends the interval byte and the bytes that have been written. An interval byte of zero announces the end of the session. If the
// application has ended the session without reading everything, the last answer is an error, so that the client notices.
func (s *session) answer(w http.ResponseWriter) {
	s.mu.Lock()
	b := s.take()
	last, lost := len(b) == 0 && s.closed || s.over != nil, len(b) == 0 && s.lost > 0
	s.mu.Unlock()
	if lost {
		s.remove(io.ErrUnexpectedEOF)
		http.Error(w, "the session has ended before everything was read", http.StatusGone)
		return
	}
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
