package transport

import "net"

// QuickAck returns a function that makes the local TCP acknowledge at once what has arrived on nc and what arrives next. Call it before each
// read for which that matters, since its effect is temporary. Otherwise systems delay acknowledgements by up to 40 ms, in the hope that
// an answer can carry them, and a peer that sends small messages one by one without TCP_NODELAY waits for each (RFC 896 meets RFC 1122
// section 4.2.3.2). QuickAck returns nil if it is not possible: for tunnels, for connections without a socket, and on systems other than
// Linux.
func QuickAck(nc net.Conn) func() {
	if tcp := socketOf(nc); tcp != nil {
		return quickAck(tcp)
	}
	return nil
}

// socketOf returns the socket that nc is built on, or nil if there is none or it is unknown.
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
