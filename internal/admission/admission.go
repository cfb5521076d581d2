// Package admission counts connections, in total and by address, and refuses those that exceed a limit.
package admission

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// The errors of Acquire and Assign.
var (
	ErrFull     = errors.New("too many connections")
	ErrAddrFull = errors.New("too many connections from one address")
)

// Limiter limits the number of connections, in total and for each address. The fields must not be changed after the first use. All methods
// may be called from any goroutine.
type Limiter struct {
	Max     int // maximum number of connections; 0 or less means no limit
	PerAddr int // maximum number for each IPv4 address or IPv6 /64; 0 or less means no limit

	mu     sync.Mutex // guards the fields below
	inUse  int
	byAddr map[netip.Prefix]int
}

// Slot is what one connection occupies of a Limiter's limits.
type Slot struct {
	limiter *Limiter
	from    netip.Prefix // counted for these addresses; the zero Prefix means none
}

// Acquire returns a slot for a connection from addr. If addr is invalid, the connection counts for no address.
func (l *Limiter) Acquire(addr netip.Addr) (*Slot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Max > 0 && l.inUse >= l.Max {
		return nil, ErrFull
	}
	slot := &Slot{limiter: l}
	if err := slot.assign(addr); err != nil {
		return nil, err
	}
	l.inUse++
	return slot, nil
}

// InUse returns the number of slots that have not been released.
func (l *Limiter) InUse() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inUse
}

// Assign counts the connection for addr. The slot must have been acquired without an address.
func (s *Slot) Assign(addr netip.Addr) error {
	s.limiter.mu.Lock()
	defer s.limiter.mu.Unlock()
	return s.assign(addr)
}

func (s *Slot) assign(addr netip.Addr) error {
	l := s.limiter
	if l.PerAddr <= 0 || !addr.IsValid() {
		return nil
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	from, err := addr.Prefix(bits)
	if err != nil || l.byAddr[from] >= l.PerAddr {
		return ErrAddrFull
	}
	if l.byAddr == nil {
		l.byAddr = make(map[netip.Prefix]int)
	}
	l.byAddr[from]++
	s.from = from
	return nil
}

// Release releases the slot. It must be called exactly once.
func (s *Slot) Release() {
	l := s.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inUse--
	if !s.from.IsValid() {
		return
	}
	if l.byAddr[s.from]--; l.byAddr[s.from] == 0 {
		delete(l.byAddr, s.from)
	}
}

// AddrOf returns the IP address in a, without zone and port. An IPv4-mapped IPv6 address becomes an IPv4 address. The result is invalid if
// a has no IP address.
func AddrOf(a net.Addr) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	text := a.String()
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	addr, _ := netip.ParseAddr(text)
	return addr.Unmap().WithZone("")
}
