// Package admission counts connections, in total and by address, and refuses those that exceed a limit.
package admission

import (
	"errors"
	"net"
	"net/netip"
	"sync"
)

// The errors of Take and Assign.
var (
	ErrFull     = errors.New("too many connections")
	ErrAddrFull = errors.New("too many connections from one address")
)

// Places counts connections, in total and for each address, and refuses those beyond a limit. The fields must not be changed after the
// first use. All methods may be called from any goroutine.
type Places struct {
	Max     int // number of places; 0 or less means no limit
	PerAddr int // number of places for each IPv4 address or IPv6 /64; 0 or less means no limit

	mu     sync.Mutex // guards the fields below
	taken  int
	byAddr map[netip.Prefix]int
}

// Place is the place of one connection.
type Place struct {
	places *Places
	from   netip.Prefix // counted for these addresses; the zero Prefix means none
}

// Take takes a place for a connection from addr. If addr is invalid, the connection counts for no address.
func (p *Places) Take(addr netip.Addr) (*Place, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Max > 0 && p.taken >= p.Max {
		return nil, ErrFull
	}
	place := &Place{places: p}
	if err := place.assign(addr); err != nil {
		return nil, err
	}
	p.taken++
	return place, nil
}

// Taken returns the number of places that are taken.
func (p *Places) Taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// Assign counts the connection for addr. The place must have been taken without an address.
func (p *Place) Assign(addr netip.Addr) error {
	p.places.mu.Lock()
	defer p.places.mu.Unlock()
	return p.assign(addr)
}

func (p *Place) assign(addr netip.Addr) error {
	all := p.places
	if all.PerAddr <= 0 || !addr.IsValid() {
		return nil
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	from, err := addr.Prefix(bits)
	if err != nil || all.byAddr[from] >= all.PerAddr {
		return ErrAddrFull
	}
	if all.byAddr == nil {
		all.byAddr = make(map[netip.Prefix]int)
	}
	all.byAddr[from]++
	p.from = from
	return nil
}

// Leave frees the place. It must be called once.
func (p *Place) Leave() {
	all := p.places
	all.mu.Lock()
	defer all.mu.Unlock()
	all.taken--
	if !p.from.IsValid() {
		return
	}
	if all.byAddr[p.from]--; all.byAddr[p.from] == 0 {
		delete(all.byAddr, p.from)
	}
}

// AddrOf returns the IP address in a, without zone and port. An IPv4-mapped IPv6 address becomes IPv4. The result is invalid if a has no IP
// address.
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
