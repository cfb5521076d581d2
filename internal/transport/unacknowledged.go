package transport

import "net"

// Unacknowledged returns how many of the bytes written to nc have not been acknowledged by the peer's TCP yet. A FIN counts as one byte.
// For a client's tunnel it returns the number of bytes that no successful request has carried yet. known is false if the number can't be
// determined: for connections without a socket, and on systems other than Linux and macOS. (macOS is untested.) Unacknowledged does not
// wait for a write in progress.
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

// unacknowledged returns the number for the underlying connection, plus the bytes that have not been written to it yet.
func (o *outbox) unacknowledged() (n int, known bool) {
	n, known = Unacknowledged(o.Conn)
	if !o.mu.TryLock() {
		return n + tlsPiece, known // a write is in progress
	}
	defer o.mu.Unlock()
	return n + len(o.waiting), known
}

// HasRoom reports whether a write of a few kilobytes will not wait for the peer: it has acknowledged everything, so the send buffer is empty.
func (c *tlsConn) HasRoom() bool { return c.box.empty() }

// HasRoom is like that of tlsConn.
func (c *cipherConn) HasRoom() bool { return c.box.empty() }

func (o *outbox) empty() bool {
	n, known := o.unacknowledged()
	return known && n == 0
}
