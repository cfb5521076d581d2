package transport

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// outbox is the connection below TLS or a cipher. If a write times out, it keeps the encrypted bytes that were not written, since they
// can't be encrypted again.
type outbox struct {
	net.Conn

	mu      sync.Mutex // held while writing
	late    bool       // the last write has timed out
	waiting []byte     // bytes that the layer above considers written

	closing sync.Mutex // guards the fields below
	due     time.Time  // the write deadline
	latest  time.Time  // the latest possible write deadline; zero if the connection is not being closed
}

// Write is called by crypto/tls with whole records, and by cipherConn with enciphered pieces.
func (o *outbox) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.late {
		if len(o.waiting) > 2*tlsPiece { // only answers to key updates need so much memory, if the peer reads nothing
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

// flush writes the waiting bytes. If there are none, it makes an empty write, which flushes another outbox below this one, such as that of
// an https proxy.
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

// limitClose limits every write from now on, including one in progress, since the connection is being closed.
func (o *outbox) limitClose() {
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

// overdue reports whether the write deadline has passed.
func (o *outbox) overdue() bool {
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
