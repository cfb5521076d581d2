package transport

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Nearness says how near to this machine an address is. A server can't reach what is nearer to its client than it is itself:
// it must not have the client do so either.
type Nearness int32

// The kinds of addresses, the nearest last.
const (
	Public    Nearness = iota
	Private            // RFC 1918, RFC 3879, RFC 4193, RFC 6598, RFC 8215
	LinkLocal          // RFC 3927, RFC 4291 section 2.5.6: the addresses of clouds' metadata are of these
	Loopback           // and the unspecified address, which systems take for it
)

func (n Nearness) String() string {
	return [...]string{"public", "private", "link-local", "loopback"}[n]
}

var (
	sharedSpace = netip.MustParsePrefix("100.64.0.0/10")  // RFC 6598
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")      // RFC 1122 section 3.2.1.3
	siteLocal   = netip.MustParsePrefix("fec0::/10")      // RFC 3879: deprecated, and still in use here and there
	translated  = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215: to IPv4 addresses of the local network's choice
	embedding   = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052: the last four bytes are an IPv4 address
	sixToFour   = netip.MustParsePrefix("2002::/16")      // RFC 3056: the four bytes that follow are an IPv4 address
)

func nearness(ip netip.Addr) Nearness {
	ip = ip.WithZone("").Unmap() // netip finds no address with a zone in a prefix, nor unspecified, but systems take it
	switch b := ip.As16(); {
	case embedding.Contains(ip):
		ip = netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(ip):
		ip = netip.AddrFrom4([4]byte(b[2:6]))
	}
	switch {
	case ip.IsLoopback(), ip.IsUnspecified(), thisNetwork.Contains(ip):
		return Loopback
	case ip.IsLinkLocalUnicast(), ip.IsLinkLocalMulticast(), ip.IsInterfaceLocalMulticast():
		return LinkLocal
	case ip.IsPrivate(), sharedSpace.Contains(ip), siteLocal.Contains(ip), translated.Contains(ip):
		return Private
	}
	return Public
}

// hostNearness is what a host tells without being looked up. Names count as public, but for localhost and those below it
// (RFC 6761 section 6.3).
func hostNearness(host string) Nearness {
	if ip, err := netip.ParseAddr(host); err == nil {
		return nearness(ip)
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return Loopback
	}
	return Public
}

// allow refuses a host that Config.Refuse does not allow. The error is a *net.OpError.
func (d *Dialer) allow(host string) error {
	if near := hostNearness(host); d.cfg.Refuse > 0 && near >= d.cfg.Refuse {
		return &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf(
			"%.60q is a %s address, where a server that is further away must not send its clients", host, near)}
	}
	return nil
}

// reached notes the address that a connection leads to. Those that hide it, or are none of package net's, count as public.
func (d *Dialer) reached(addr net.Addr) error {
	host := ""
	if addr != nil {
		host, _, _ = net.SplitHostPort(addr.String())
	}
	d.near.Store(int32(hostNearness(host)))
	return d.allow(host)
}

// Nearness is that of the server which the newest connection has reached: of its address where it was reached directly.
// Through proxies, and a Config.HTTPClient, it is what the server's host tells.
func (d *Dialer) Nearness() Nearness { return Nearness(d.near.Load()) }
