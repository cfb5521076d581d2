package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/go-librtmp/rtmp/internal/admission"
)

// place is the place that a connection or an HTTP viewer takes in the limits on
// connections.
type place struct {
	*admission.Place
	proxy     bool // from a trusted proxy that has not named the client yet; until it does, the connection counts for no address
	abandoned bool // Close was called while a hook ran outside, and does not wait for this place
}

var (
	errTooMany        = fmt.Errorf("rtmp: MaxConns: %w", admission.ErrFull)
	errTooManyPerAddr = fmt.Errorf("rtmp: MaxConnsPerIP: %w", admission.ErrAddrFull)
)

// admit counts a connection or a viewer in the limits, and fails if a limit is reached. direct says that remote is the other end of the
// connection, which may be a trusted proxy. The caller must call leave with the place in the end; Close waits for this.
func (s *Server) admit(remote net.Addr, direct bool) (*place, error) {
	addr := admission.AddrOf(remote)
	p := &place{proxy: direct && s.trusts(addr)}
	if p.proxy {
		addr = netip.Addr{}
	}
	switch err := s.take(p, addr); {
	case err == ErrServerClosed:
		return nil, err
	case err != nil:
		return nil, s.refused(err, remote)
	}
	return p, nil
}

// take takes the place, and makes Close wait for it.
func (s *Server) take(p *place, addr netip.Addr) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return ErrServerClosed
	}
	if p.Place, err = s.places.Take(addr); err == nil {
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

// forwarded counts the connection of a trusted proxy under the address of the client, which
// the proxy has sent.
func (s *Server) forwarded(p *place, remote net.Addr) error {
	if err := p.Assign(admission.AddrOf(remote)); err != nil {
		return s.refused(err, remote)
	}
	return nil
}

// outside runs f, which calls a hook. Close does not wait for p while f runs. outside returns false if Close
// was called in the meantime.
func (s *Server) outside(p *place, f func()) bool {
	s.running.Done()
	f()
	p.abandoned = !s.hold()
	return !p.abandoned
}

// leave frees the place. A connection's goroutine must call it last.
func (s *Server) leave(p *place) {
	p.Leave()
	if !p.abandoned {
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
