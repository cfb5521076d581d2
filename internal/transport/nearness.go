package transport

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Nearness classifies addresses by how near they are to this machine. A server usually can't reach addresses that are nearer to its client
// than the server's own address. So it must not be able to make the client connect to such addresses.
type Nearness int32

// These are the classes of addresses, from far to near.
const (
	Public    Nearness = iota
	Private            // RFC 1918, RFC 3879, RFC 4193, RFC 6598, RFC 8215
	LinkLocal          // RFC 3927, RFC 4291 section 2.5.6; includes the metadata services of clouds
	Loopback           // also the unspecified address, which systems treat as loopback
)

func (n Nearness) String() string {
	return [...]string{"public", "private", "link-local", "loopback"}[n]
}

var (
	sharedSpace = netip.MustParsePrefix("100.64.0.0/10")  // RFC 6598
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")      // RFC 1122 section 3.2.1.3
	siteLocal   = netip.MustParsePrefix("fec0::/10")      // RFC 3879: deprecated, but still in use
	translated  = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215: translated to IPv4 addresses as the local network chooses
	embedding   = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052: the last four bytes are an IPv4 address
	sixToFour   = netip.MustParsePrefix("2002::/16")      // RFC 3056: the next four bytes are an IPv4 address
)

func nearness(ip netip.Addr) Nearness {
	ip = ip.WithZone("").Unmap() // netip does not match an address with a zone, but systems accept it
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

// hostNearness returns the nearness of a host without resolving its name. Names count as public, except localhost and its subdomains (RFC
// 6761 section 6.3).
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

// allow returns a *net.OpError for a host that Config.Refuse excludes.
func (d *Dialer) allow(host string) error {
	if d.cfg.Refuse == 0 {
		return nil
	}
	if near := hostNearness(host); near >= d.cfg.Refuse {
		return &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf(
			"%.60q is a %s address, where a server that is further away must not send its clients", host, near)}
	}
	return nil
}

// reached records the address of a connection, and returns an error if Config.Refuse excludes the address. An address that is hidden, or
// that is not of a type of package net, is treated as public.
func (d *Dialer) reached(addr net.Addr) error {
	host := ""
	if addr != nil {
		host, _, _ = net.SplitHostPort(addr.String())
	}
	d.near.Store(int32(hostNearness(host)))
	return d.allow(host)
}

// Nearness returns the nearness of the server of the last connection. If the server was reached directly, this is the nearness of its
// address. Through a proxy or a Config.HTTPClient, it is the nearness of the host as written.
func (d *Dialer) Nearness() Nearness { return Nearness(d.near.Load()) }
