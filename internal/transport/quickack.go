package transport

import "net"

// QuickAck returns a function that makes the local TCP acknowledge at once the bytes that have arrived on nc and the bytes that arrive
// next. Call the function before each read for which that matters, since its effect is temporary. Otherwise, systems delay acknowledgements
// by up to 40 ms, in the hope of sending them together with an answer. A peer that sends small messages one by one without TCP_NODELAY then
// waits for each acknowledgement (RFC 896, RFC 1122 section 4.2.3.2). QuickAck returns nil if nc is a tunnel or a connection without a
// socket, and on systems other than Linux.
func QuickAck(nc net.Conn) func() {
	if tcp := socketOf(nc); tcp != nil {
		return quickAck(tcp)
	}
	return nil
}

// socketOf returns the socket on which nc is built, or nil if there is no socket or it can't be found.
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
