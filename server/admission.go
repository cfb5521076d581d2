package server

import (
	"errors"
	"net"
	"net/netip"
)

// place is a connection's place in the limits.
type place struct {
	from  netip.Prefix // the addresses that it counts for; zero: none
	proxy bool         // a trusted proxy may say first who the client is: it counts for no address until then
	let   bool         // Close does not wait for it any more
}

var (
	errTooMany        = errors.New("server: MaxConns: too many connections")
	errTooManyPerAddr = errors.New("server: MaxConnsPerIP: too many connections from one address")
)

// admit takes a place for a connection or a viewer, if there is one. direct says that it comes from remote itself, which may be a
// proxy then. Close waits for leave.
func (s *Server) admit(remote net.Addr, direct bool) (*place, error) {
	addr := addrOf(remote)
	p := &place{proxy: direct && s.trusts(addr)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, ErrServerClosed
	}
	if s.MaxConns > 0 && s.admitted >= s.MaxConns {
		return nil, s.refused(errTooMany, remote)
	}
	if !p.proxy && !s.enter(p, addr) {
		return nil, s.refused(errTooManyPerAddr, remote)
	}
	s.admitted++
	s.running.Add(1) // with the lock: Close has not begun to wait
	return p, nil
}

// enter counts p for addr, if the address has not too many. The caller holds s.mu.
func (s *Server) enter(p *place, addr netip.Addr) bool {
	if s.MaxConnsPerIP <= 0 || !addr.IsValid() {
		return true
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	from, err := addr.Prefix(bits)
	if err != nil || s.perIP[from] >= s.MaxConnsPerIP {
		return false
	}
	s.perIP[from]++
	p.from = from
	return true
}

// forwarded counts a connection from a trusted proxy for its client.
func (s *Server) forwarded(p *place, remote net.Addr) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.enter(p, addrOf(remote)) {
		return nil
	}
	return s.refused(errTooManyPerAddr, remote)
}

// outside runs f, which calls a hook, and for which Close does not wait. It reports false if Close has been called meanwhile.
func (s *Server) outside(p *place, f func()) bool {
	s.running.Done()
	f()
	p.let = !s.hold()
	return !p.let
}

// leave gives the place back. It is the last call of a connection's goroutine.
func (s *Server) leave(p *place) {
	if !p.let {
		defer s.running.Done()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.admitted--
	if !p.from.IsValid() {
		return
	}
	if s.perIP[p.from]--; s.perIP[p.from] == 0 {
		delete(s.perIP, p.from)
	}
}

// refused counts and logs a connection that a limit refuses, and returns the error.
func (s *Server) refused(limit error, remote net.Addr) error {
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

// addrOf returns the IP address of a, without a zone, and IPv4 in IPv6 as IPv4. It is invalid if a has none.
func addrOf(a net.Addr) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	if host, _, err := net.SplitHostPort(a.String()); err == nil {
		if addr, err := netip.ParseAddr(host); err == nil {
			return addr.Unmap().WithZone("")
		}
	}
	addr, _ := netip.ParseAddr(a.String())
	return addr.Unmap().WithZone("")
}
