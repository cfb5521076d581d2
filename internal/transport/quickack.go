package transport

import "net"

// QuickAck returns a function that makes this machine's TCP acknowledge what has arrived on nc at once, and what comes next. It
// is to be called before each read for which that matters, since the system goes back to its own ways: it holds
// acknowledgements back for up to 40 ms in the hope that an answer takes them along, and a peer that sends small messages one
// by one without TCP_NODELAY waits for each (RFC 896 meets RFC 1122 section 4.2.3.2). It is nil where that can't be had: for
// tunnels, connections that are not made of a socket, and on systems other than Linux.
func QuickAck(nc net.Conn) func() {
	if tcp := socketOf(nc); tcp != nil {
		return quickAck(tcp)
	}
	return nil
}

// socketOf returns what nc is made of, nil if that is no socket or not known.
func socketOf(nc net.Conn) *net.TCPConn {
	switch c := nc.(type) {
	case *net.TCPConn:
		return c
	case *tlsConn:
		return socketOf(c.box.Conn)
	case *cipherConn:
		return socketOf(c.box.Conn)
	case *prefixedConn:
		return socketOf(c.Conn)
	}
	return nil
}
