package transport

import "net"

// Unacknowledged returns how many bytes of what was written to nc the other end's TCP has not acknowledged yet, a FIN counting as
// one; for a client's tunnel, those that were not carried by a request that was answered with success. known is false where
// that can't be asked: of connections that are not made of a socket, and on systems other than Linux and macOS. (The latter
// is untried.) It does not wait for a write under way.
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

// unacknowledged adds what has not reached the socket.
func (o *outbox) unacknowledged() (n int, known bool) {
	n, known = Unacknowledged(o.Conn)
	if !o.mu.TryLock() {
		return n + tlsPiece, known // a write is under way
	}
	defer o.mu.Unlock()
	return n + len(o.waiting), known
}
