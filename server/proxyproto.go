package server

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
)

// signatureV2 begins the binary form of the PROXY protocol (section 2.2 of HAProxy's proxy-protocol.txt).
var signatureV2 = []byte("\r\n\r\n\x00\r\nQUIT\n")

const (
	maxProxyV1 = 107     // longest line in bytes, including CRLF (section 2.1)
	maxProxyV2 = 4 << 10 // bytes after the fixed header, including TLVs
)

var errProxyProtocol = errors.New("invalid header")

// proxied reads the PROXY protocol header that a trusted proxy may send. It returns a connection that begins after the header, with the
// client's address if the header contains one. own is true if the proxy has opened the connection for itself, such as for a health check.
// The first byte shows whether there is a header, since RTMP begins with a byte from 3 to 9, and TLS with 22. If there is no header, all
// bytes remain in the connection.
func proxied(nc net.Conn) (_ net.Conn, own bool, err error) {
	in := bufio.NewReaderSize(nc, 512)
	first, err := in.Peek(1)
	if err != nil {
		return nil, false, err
	}
	var from net.Addr
	header := true
	switch first[0] {
	case 'P':
		from, err = proxyV1(in)
	case signatureV2[0]:
		from, err = proxyV2(in)
	default:
		header = false
	}
	if err != nil {
		return nil, false, err
	}
	return &proxiedConn{Conn: nc, head: in, remote: from}, header && from == nil, nil
}

// proxyV1 reads the text form, such as "PROXY TCP4 192.0.2.1 192.0.2.2 56324
// 1935\r\n".
func proxyV1(in *bufio.Reader) (net.Addr, error) {
	var line []byte
	for !bytes.HasSuffix(line, []byte("\r\n")) {
		b, err := in.ReadByte()
		if err != nil {
			return nil, err
		}
		if line = append(line, b); len(line) > maxProxyV1 {
			return nil, errProxyProtocol
		}
	}
	fields := strings.Fields(string(line))
	switch {
	case len(fields) >= 2 && fields[0] == "PROXY" && fields[1] == "UNKNOWN":
		return nil, nil
	case len(fields) != 6 || fields[0] != "PROXY" || fields[1] != "TCP4" && fields[1] != "TCP6":
		return nil, errProxyProtocol
	}
	from, err := netip.ParseAddrPort(net.JoinHostPort(fields[2], fields[4]))
	if err != nil {
		return nil, errProxyProtocol
	}
	return net.TCPAddrFromAddrPort(from), nil
}

// proxyV2 reads the binary form:
//
//	+--------------+---------+--------+----------+----------- - -
//	| signature 12 | ver|cmd | family | length 2 | addresses, TLVs
//	+--------------+---------+--------+----------+----------- - -
func proxyV2(in *bufio.Reader) (net.Addr, error) {
	var head [16]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint16(head[14:]))
	if !bytes.Equal(head[:12], signatureV2) || head[12]>>4 != 2 || length > maxProxyV2 {
		return nil, errProxyProtocol
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, err
	}
	if head[12]&0xf == 0 { // LOCAL: a connection of the proxy itself, such as a health check
		return nil, nil
	}
	size := 0
	switch head[13] {
	case 0x11: // TCP over IPv4
		size = 4
	case 0x21: // TCP over IPv6
		size = 16
	default:
		return nil, nil
	}
	if len(body) < 2*size+4 {
		return nil, fmt.Errorf("%w: %d bytes of addresses", errProxyProtocol, len(body))
	}
	addr, _ := netip.AddrFromSlice(body[:size])
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, binary.BigEndian.Uint16(body[2*size:]))), nil
}

// proxiedConn is a connection from a proxy, after its header.
type proxiedConn struct {
	net.Conn
	head   *bufio.Reader // bytes that were read together with the header; nil if none are left
	remote net.Addr      // nil means the address of the proxy
}

func (c *proxiedConn) Read(b []byte) (int, error) {
	if c.head == nil {
		return c.Conn.Read(b)
	}
	if c.head.Buffered() == 0 {
		c.head = nil
		return c.Conn.Read(b)
	}
	return c.head.Read(b[:min(len(b), c.head.Buffered())])
}

func (c *proxiedConn) RemoteAddr() net.Addr {
	if c.remote != nil {
		return c.remote
	}
	return c.Conn.RemoteAddr()
}

// CloseWrite sends a FIN if the connection supports it.
func (c *proxiedConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
