package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/go-librtmp/rtmp/internal/admission"
)

// slot is what a connection or an HTTP viewer occupies of the limits on connections.
type slot struct {
	*admission.Slot
	proxy  bool // from a trusted proxy that has not named the client yet; until then, the connection counts for no address
	unheld bool // Close does not wait for this slot, since it was called while a hook was running
}

var (
	errTooMany        = fmt.Errorf("rtmp: MaxConns: %w", admission.ErrFull)
	errTooManyPerAddr = fmt.Errorf("rtmp: MaxConnsPerIP: %w", admission.ErrAddrFull)
)

// admit counts a connection or a viewer in the limits, and fails if a limit is reached. If direct is true, remote is the other end of the
// connection, which may be a trusted proxy. The caller must call leave with the slot in the end; Close waits for that.
func (s *Server) admit(remote net.Addr, direct bool) (*slot, error) {
	addr := admission.AddrOf(remote)
	p := &slot{proxy: direct && s.trusts(addr)}
	if p.proxy {
		addr = netip.Addr{}
	}
	switch err := s.acquire(p, addr); {
	case err == ErrServerClosed:
		return nil, err
	case err != nil:
		return nil, s.refused(err, remote)
	}
	return p, nil
}

// acquire acquires the slot, and makes Close wait until it is released.
func (s *Server) acquire(p *slot, addr netip.Addr) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return ErrServerClosed
	}
	if p.Slot, err = s.limiter.Acquire(addr); err == nil {
		s.running.Add(1) // called with the lock held, so that Close cannot be waiting yet
	}
	return err
}

// unavailable returns the error that an HTTP client gets when admit has
// returned err.
func unavailable(err error) error {
	if errors.Is(err, ErrServerClosed) {
		return errors.New("the server is shutting down")
	}
	return errors.Unwrap(err) // without the name of the Server's field
}

// forwarded counts a connection that came through a trusted proxy against the limit of the client's own address, remote, which the proxy has
// sent.
func (s *Server) forwarded(p *slot, remote net.Addr) error {
	if err := p.Assign(admission.AddrOf(remote)); err != nil {
		return s.refused(err, remote)
	}
	return nil
}

// outside runs f, which calls a hook. Close does not wait for p while f runs. If Close was called in the meantime, outside returns false.
func (s *Server) outside(p *slot, f func()) bool {
	s.running.Done()
	f()
	p.unheld = !s.hold()
	return !p.unheld
}

// leave releases the slot. It must be the last call of a connection's goroutine.
func (s *Server) leave(p *slot) {
	p.Release()
	s.wakeShutdown()
	if !p.unheld {
		s.running.Done()
	}
}

// refused counts and logs a connection that was refused because of a limit, and returns the error for it.
func (s *Server) refused(err error, remote net.Addr) error {
	limit := errTooMany
	if errors.Is(err, admission.ErrAddrFull) {
		limit = errTooManyPerAddr
	}
	s.counts.refused.Add(1)
	if n := s.refusals.Add(); n > 0 {
		s.log().Warn("rtmp: connection refused", "error", limit, "remote", remote, "refused", n)
	}
	return limit
}

// trusts reports whether addr is one of TrustedProxies.
func (s *Server) trusts(addr netip.Addr) bool {
	for _, prefix := range s.TrustedProxies {
		if addr.IsValid() && prefix.Contains(addr) {
			return true
		}
	}
	return false
}
