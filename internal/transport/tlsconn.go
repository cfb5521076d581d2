package transport

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

const (
	// tlsPiece is how much is encrypted before the socket is looked at, in bytes. It bounds outbox.waiting.
	tlsPiece = 64 << 10
	// tlsCloseTimeout bounds the saying of goodbye; crypto/tls takes five seconds.
	tlsCloseTimeout = 250 * time.Millisecond
)

// tlsConn is a TLS connection whose Write can be resumed after a timeout. crypto/tls gives a connection up then, since half
// a record may be out. Here the other half waits in the outbox: Write reports its bytes as written, and they leave with the
// next Write, even an empty one. Package rtmp needs that because it leaves deadlines where they are until they end a write.
type tlsConn struct {
	*tls.Conn
	box     *outbox
	writing sync.Mutex
}

// Write may return len(p) together with a timeout: then the last bytes wait for the next Write.
func (c *tlsConn) Write(p []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	for err = c.box.flush(); err == nil && n < len(p); {
		if c.box.overdue() { // nothing more need wait there
			return n, os.ErrDeadlineExceeded
		}
		var m int
		m, err = c.Conn.Write(p[n:min(len(p), n+tlsPiece)])
		n += m
		if err == nil {
			err = c.box.flush()
		}
	}
	return n, err
}

// CloseWrite tells the server that nothing more will come. The connection can still be read. Close ends a CloseWrite that has to
// wait, and nothing else does.
func (c *tlsConn) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.box.flush(); err != nil {
		return err
	}
	if err := c.Conn.CloseWrite(); err != nil {
		return err
	}
	c.box.SetWriteDeadline(time.Time{}) // crypto/tls gives it five seconds
	return c.box.flush()
}

// Close takes tlsCloseTimeout at most.
func (c *tlsConn) Close() error {
	c.box.hurry()
	return c.Conn.Close()
}
