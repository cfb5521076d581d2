package transport

import (
	"crypto/tls"
	"errors"
	"net"
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
		if c.box.late() { // nothing more need wait there
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

// CloseWrite tells the server that nothing more will come. The connection can still be read.
func (c *tlsConn) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.box.flush(); err != nil {
		return err
	}
	return c.Conn.CloseWrite()
}

// Close takes tlsCloseTimeout at most.
func (c *tlsConn) Close() error {
	c.box.hurry()
	return c.Conn.Close()
}

// outbox is the connection below TLS: it keeps what a timeout did not let out.
type outbox struct {
	net.Conn

	mu      sync.Mutex // held while writing
	late    bool       // a timeout has ended the latest write
	waiting []byte     // of the records that crypto/tls believes to be written

	closing sync.Mutex // guards the rest
	due     time.Time  // the write deadline
	latest  time.Time  // no write deadline after this; zero: not closing
}

// Write is called by crypto/tls, with whole records.
func (o *outbox) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.late {
		if len(o.waiting) > 2*tlsPiece { // answers to the peer's key updates, which it does not read
			return 0, errors.New("the peer reads nothing")
		}
		o.waiting = append(o.waiting, b...)
		return len(b), nil
	}
	n, err := o.Conn.Write(b)
	if o.late = errors.Is(err, os.ErrDeadlineExceeded); o.late {
		o.waiting = append(o.waiting[:0], b[n:]...)
		return len(b), nil
	}
	return n, err
}

// flush writes what waits, here or in an outbox further below (that of a proxy): for that, an empty write does.
func (o *outbox) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.late {
		return nil
	}
	n, err := o.Conn.Write(o.waiting)
	if o.waiting = o.waiting[n:]; err == nil {
		o.late, o.waiting = false, nil
	}
	return err
}

// hurry bounds every write from now on, one under way included.
func (o *outbox) hurry() {
	o.closing.Lock()
	defer o.closing.Unlock()
	o.latest = time.Now().Add(tlsCloseTimeout)
	o.Conn.SetWriteDeadline(o.latest)
}

func (o *outbox) SetWriteDeadline(t time.Time) error {
	o.closing.Lock()
	defer o.closing.Unlock()
	o.due = o.bound(t)
	return o.Conn.SetWriteDeadline(o.due)
}

// late tells whether the write deadline has passed.
func (o *outbox) late() bool {
	o.closing.Lock()
	defer o.closing.Unlock()
	return !o.due.IsZero() && !time.Now().Before(o.due)
}

func (o *outbox) SetDeadline(t time.Time) error {
	return errors.Join(o.Conn.SetReadDeadline(t), o.SetWriteDeadline(t))
}

func (o *outbox) bound(t time.Time) time.Time {
	if !o.latest.IsZero() && (t.IsZero() || t.After(o.latest)) {
		return o.latest
	}
	return t
}
