package transport

import "net"

// Unacknowledged returns how many bytes written to nc the peer's TCP has not acknowledged yet, counting a FIN as one. For a client's tunnel
// it returns the bytes that no successful request has carried yet. known is false if that can't be determined: for connections without a
// socket, and on systems other than Linux and macOS. (macOS is untested.) It does not wait for a write in progress.
func Unacknowledged(nc net.Conn) (n int, known bool) {
	switch c := nc.(type) {
	case *net.TCPConn:
		return socketUnacknowledged(c)
	case *tlsConn:
		return c.box.unacknowledged()
	case *cipherConn:
		return c.box.unacknowledged()
	case *tunnel:
		return c.unacknowledged(), true
	case *prefixedConn:
		return Unacknowledged(c.Conn)
	}
	return 0, false
}

// unacknowledged adds the bytes that have not reached the socket.
func (o *outbox) unacknowledged() (n int, known bool) {
	n, known = Unacknowledged(o.Conn)
	if !o.mu.TryLock() {
		return n + tlsPiece, known // a write is in progress
	}
	defer o.mu.Unlock()
	return n + len(o.waiting), known
}
