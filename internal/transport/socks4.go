package transport

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
)

// These are the reply codes of SOCKS4.
const (
	socks4Granted    = 90
	socks4Rejected   = 91
	socks4NoIdentd   = 92
	socks4WrongIdent = 93
)

// This is the request of SOCKS4. SOCKS4a appends the name if the address is 0.0.0.x:
//
//	+----+----+----+----+----+----+----+----+----+----+....+----+ +----+....+----+
//	| 04 | 01 |  port   |      address      |  user id     | 00 | | name    | 00 |
//	+----+----+----+----+----+----+----+----+----+----+....+----+ +----+....+----+
//
// The reply has 8 bytes: 00, the code, and six bytes without meaning.

// askSOCKS4 asks the proxy to connect to t. It reads nothing beyond the reply.
func (p *proxyServer) askSOCKS4(ctx context.Context, d *Dialer, nc net.Conn, t target) error {
	addr, err := p.resolve(ctx, t.host)
	if err == nil && addr != byName {
		err = d.allow(netip.AddrFrom4(addr).String())
	}
	if err != nil {
		return err
	}
	request := []byte{4, 1}
	request = binary.BigEndian.AppendUint16(request, t.port)
	request = append(request, addr[:]...)
	user, _ := p.credentials()
	request = append(append(request, user...), 0)
	if addr == byName {
		request = append(append(request, t.host...), 0)
	}
	if _, err := nc.Write(request); err != nil {
		return err
	}
	var reply [8]byte
	if n, err := io.ReadFull(nc, reply[:]); err != nil {
		return p.fail(fmt.Sprintf("answered %d of 8 bytes", n), noEOF(err))
	}
	if reply[0] != 0 { // refuse other values, such as 4 from some proxies, as librtmp does
		return p.fail(fmt.Sprintf("answered %#02x: not a SOCKS4 proxy?", reply[0]), nil)
	}
	return p.socks4Reply(reply[1])
}

// byName is the address with which a SOCKS4a proxy uses the name after the user id.
var byName = [4]byte{0, 0, 0, 1}

// resolve returns the IPv4 address of host, since SOCKS4 supports no other kind.
func (p *proxyServer) resolve(ctx context.Context, host string) ([4]byte, error) {
	addr, err := netip.ParseAddr(host)
	if err == nil {
		addr = addr.Unmap()
	}
	switch {
	case err == nil && addr.Is4():
		return addr.As4(), nil
	case p.scheme == "socks4a":
		return byName, nil
	case err == nil:
		return [4]byte{}, p.fail("has no IPv6: use socks5", nil)
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return [4]byte{}, p.fail("name not resolved here (socks4a and socks5 leave it to the proxy)", err)
	}
	return found[0].Unmap().As4(), nil
}

func (p *proxyServer) socks4Reply(code byte) error {
	detail := "unknown answer"
	switch code {
	case socks4Granted:
		return nil
	case socks4Rejected:
		detail = "request rejected or failed"
	case socks4NoIdentd:
		detail = "request rejected: no identd answers on this machine"
	case socks4WrongIdent:
		detail = "request rejected: identd names another user id"
	}
	err := p.fail(detail, nil)
	err.Code = int(code)
	return err
}
