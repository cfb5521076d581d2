package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/go-librtmp/rtmp/internal/admission"
)

// place is what one connection counts for in the limits.
type place struct {
	*admission.Place
	proxy bool // from a trusted proxy, which may still name the client; until then the connection counts for no address
	let   bool // Close does not wait for this place at present
}

var (
	errTooMany        = fmt.Errorf("server: MaxConns: %w", admission.ErrFull)
	errTooManyPerAddr = fmt.Errorf("server: MaxConnsPerIP: %w", admission.ErrAddrFull)
)

// admit takes a place for a connection or a viewer, if one is free. direct says that the connection comes from remote itself, which may be
// a trusted proxy. Each place must be given back with leave, which Close waits for.
func (s *Server) admit(remote net.Addr, direct bool) (*place, error) {
	addr := addrOf(remote)
	p := &place{proxy: direct && s.trusts(addr)}
	if p.proxy {
		addr = netip.Addr{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, ErrServerClosed
	}
	var err error
	if p.Place, err = s.places.Take(addr); err != nil {
		return nil, s.refused(err, remote)
	}
	s.running.Add(1) // under the lock, so that Close can't be waiting yet
	return p, nil
}

// unavailable returns what an HTTP client is told about an error of admit.
func unavailable(err error) error {
	if errors.Is(err, ErrServerClosed) {
		return errors.New("the server is shutting down")
	}
	return errors.Unwrap(err) // without the name of the Server's field
}

// forwarded counts a connection from a trusted proxy for the client that the proxy has named.
func (s *Server) forwarded(p *place, remote net.Addr) error {
	if err := p.Assign(addrOf(remote)); err != nil {
		return s.refused(err, remote)
	}
	return nil
}

// outside runs f, which calls a hook, without Close waiting for it. It reports false if Close has been called
// meanwhile.
func (s *Server) outside(p *place, f func()) bool {
	s.running.Done()
	f()
	p.let = !s.hold()
	return !p.let
}

// leave gives the place back. It must be the last call of a connection's goroutine.
func (s *Server) leave(p *place) {
	p.Leave()
	if !p.let {
		s.running.Done()
	}
}

// refused counts and logs a connection that exceeds a limit of places, and returns the error.
func (s *Server) refused(err error, remote net.Addr) error {
	limit := errTooMany
	if errors.Is(err, admission.ErrAddrFull) {
		limit = errTooManyPerAddr
	}
	s.counts.refused.Add(1)
	s.log().Warn("rtmp: connection refused", "error", limit, "remote", remote)
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

// addrOf returns the IP address of a, or an invalid one if a has none.
func addrOf(a net.Addr) netip.Addr { return admission.AddrOf(a) }
