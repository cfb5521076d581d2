package server

import (
	"errors"
	"net"
	"net/netip"
)

// place is what one connection counts for in the limits.
type place struct {
	from  netip.Prefix // the addresses that the connection counts for; zero: none
	proxy bool         // from a trusted proxy, which may name the client first: until then it counts for no address
	let   bool         // Close no longer waits for it
}

var (
	errTooMany        = errors.New("server: MaxConns: too many connections")
	errTooManyPerAddr = errors.New("server: MaxConnsPerIP: too many connections from one address")
)

// admit takes a place for a connection or a viewer, if one is free. direct says that remote itself has connected, so
// it may be a trusted proxy. Each place must be given back with leave, which Close waits for.
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
	s.running.Add(1) // under the lock, so that Close is not waiting yet
	return p, nil
}

// enter counts p for addr, unless addr has too many connections. The caller holds s.mu.
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

// forwarded counts a connection from a trusted proxy for the client that the proxy has named.
func (s *Server) forwarded(p *place, remote net.Addr) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.enter(p, addrOf(remote)) {
		return nil
	}
	return s.refused(errTooManyPerAddr, remote)
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

// refused counts and logs a connection that exceeds a limit, and returns the error.
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

// addrOf returns the IP address of a without its zone, and an IPv4-mapped IPv6 address as IPv4. It is invalid if a
// has no IP address.
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
