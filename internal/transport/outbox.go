package transport

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// outbox is the connection below TLS or a cipher. If a write times out, it keeps the encrypted bytes that were not written, since they
// can't be encrypted again. It also gathers the records of a large write, which crypto/tls writes one by one.
type outbox struct {
	net.Conn

	mu      sync.Mutex // held while writing
	keeping bool       // since hold or a timeout: Write keeps its bytes until flush has written them
	waiting []byte     // bytes that the layer above considers written
	memory  *[]byte    // of waiting while keeping is set

	closing sync.Mutex // guards the fields below
	due     time.Time  // the write deadline
	latest  time.Time  // the latest possible write deadline; zero if the connection is not being closed
}

// gathered is a pool for the memory of waiting bytes.
var gathered = sync.Pool{New: func() any { return new([]byte) }}

// keep begins to keep bytes. The caller holds o.mu.
func (o *outbox) keep() {
	if !o.keeping {
		o.memory = gathered.Get().(*[]byte)
		o.keeping, o.waiting = true, (*o.memory)[:0]
	}
}

// hold makes Write keep its bytes until the next flush.
func (o *outbox) hold() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keep()
}

// Write is called by crypto/tls with whole records, and by cipherConn with enciphered pieces.
func (o *outbox) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.keeping {
		if len(o.waiting) > 2*tlsPiece { // only answers to key updates need so much memory, if the peer reads nothing
			return 0, errors.New("the peer reads nothing")
		}
		o.waiting = append(o.waiting, b...)
		return len(b), nil
	}
	n, err := o.Conn.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		o.keep()
		o.waiting = append(o.waiting, b[n:]...)
		return len(b), nil
	}
	return n, err
}

// flush writes the waiting bytes. If there are none, it makes an empty write, which flushes another outbox below this one, such as that of
// an https proxy.
func (o *outbox) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.keeping {
		return nil
	}
	n, err := o.Conn.Write(o.waiting)
	o.waiting = o.waiting[:copy(o.waiting, o.waiting[n:])]
	if err == nil {
		*o.memory = o.waiting
		gathered.Put(o.memory)
		o.keeping, o.waiting, o.memory = false, nil, nil
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
