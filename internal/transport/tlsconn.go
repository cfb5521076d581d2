package transport

import (
	"crypto/tls"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// tlsPiece is the number of bytes that are encrypted before they are written to the socket. It bounds outbox.waiting.
	tlsPiece = 64 << 10
	// smallestRecord is about the size of the first records of crypto/tls, in bytes. The later ones have 16 KiB.
	smallestRecord = 1 << 10
	// tlsCloseTimeout bounds the sending of close_notify, which crypto/tls bounds by five seconds.
	tlsCloseTimeout = 250 * time.Millisecond
)

// tlsConn is a TLS connection whose Write can be resumed after a timeout. crypto/tls abandons the connection after a timeout, since a part
// of a record may have been sent. tlsConn keeps the unsent part of the record in the outbox. Write reports the bytes as written, and the
// next Write, even an empty one, sends them. Package session relies on that, since it does not set the deadline for each write. The
// handshake must be complete before the first Write, which would keep its messages in the outbox.
type tlsConn struct {
	*tls.Conn
	box     *outbox
	writing sync.Mutex
	closed  atomic.Bool // Close was called
}

// Write writes p. A Write that has timed out may have returned len(p): the next Write then sends the last bytes.
func (c *tlsConn) Write(p []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	for err = c.box.flush(); err == nil && n < len(p); {
		if c.box.overdue() { // queue nothing after the deadline
			return n, os.ErrDeadlineExceeded
		}
		piece := p[n:min(len(p), n+tlsPiece)]
		if len(piece) > smallestRecord { // crypto/tls may make several records
			c.box.hold()
		}
		var m int
		m, err = c.Conn.Write(piece)
		n += m
		if err2 := c.box.flush(); err == nil {
			err = err2
		}
	}
	return n, err
}

// CloseWrite sends close_notify. The connection can still be read. CloseWrite has no timeout, but Close ends a call in progress.
func (c *tlsConn) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.box.flush(); err != nil {
		return err
	}
	if err := c.Conn.CloseWrite(); err != nil {
		return err
	}
	c.box.SetWriteDeadline(time.Time{}) // crypto/tls has set five seconds
	return c.box.flush()
}

// Close sends close_notify and closes the connection. It takes at most tlsCloseTimeout. Like crypto/tls, it sends nothing if a Write or
// CloseWrite is in progress, which it ends. Further calls return net.ErrClosed at once, and do not disturb the first.
func (c *tlsConn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	if !c.writing.TryLock() {
		return c.box.Close()
	}
	defer c.writing.Unlock()
	c.box.limitClose()
	return c.Conn.Close()
}
