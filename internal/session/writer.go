package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
)

const (
	// keepWriteBuffer is the largest write buffer kept between writes, in bytes. Larger ones are shared by all.
	keepWriteBuffer = 64 << 10
	// shareWriteBuffer is the largest that is.
	shareWriteBuffer = 4 << 20
	// writeGrace is how long a write may last at least. A context or deadline that ends sooner may do so before the socket was
	// offered a byte, which a connection that is well takes in microseconds.
	writeGrace = 100 * time.Millisecond
)

// writer owns the direction to the peer.
type writer struct {
	life     *lifetime
	config   *Config
	replies  replies
	deadline deadline

	lock   chan struct{} // one slot: the right to encode and write. Ordinary mutexes can't be waited for with a context
	chunks *chunk.Writer // owned by the holder of lock
	buf    []byte        // likewise
	box    *[]byte       // likewise: what buf came from; nil: it did not
	err    error         // likewise: the first failed write
	unsent []byte        // likewise: what the socket did not take without waiting
	rest   [][]byte      // likewise: what it did not take of what TryWritev was given. At most one of the two is not empty
	try    *tryWriter    // likewise; nil: there is no such thing here

	leaving atomic.Bool // Leaving was called
}

func newWriter(life *lifetime, config *Config) *writer {
	w := &writer{life: life, config: config, lock: make(chan struct{}, 1), chunks: config.Chunks, try: newTryWriter(life.nc)}
	if w.chunks == nil {
		w.chunks = chunk.NewWriter()
	}
	w.deadline.set = life.nc.SetWriteDeadline
	w.replies.unanswered = &config.Counters.Unanswered
	return w
}

// Writer is for whom something is written, such as a stream that publishes.
type Writer interface {
	// WriteLimit is when the writing has to end, zero: never, and what has ended it already.
	WriteLimit() (time.Time, error)
	// WriteWake is signalled when WriteLimit may have changed. InterruptWrite is called then, too.
	WriteWake() <-chan struct{}
}

// purpose is what something is written for: what ends the writing early.
type purpose struct {
	ctx     context.Context // nil: none
	who     Writer          // nil: nobody whose limit counts
	replies bool            // nothing but replies: when they are lost, what the peer sent before it hung up can still be read
}

func (p purpose) limit() (time.Time, error) {
	switch {
	case p.ctx != nil && p.ctx.Err() != nil:
		return time.Time{}, fmt.Errorf("rtmp: write: %w", p.ctx.Err())
	case p.ctx != nil || p.who == nil:
		return time.Time{}, nil
	}
	return p.who.WriteLimit()
}

// acquire takes the write lock. It fails if the Session has ended or p's limit has passed: what has been encoded has to leave, so
// nothing is encoded for somebody who has given up.
func (w *writer) acquire(p purpose) error {
	if _, err := p.limit(); err != nil {
		return err
	}
	if err := w.waitForLock(p); err != nil {
		return err
	}
	err := w.life.Err()
	if err == nil {
		_, err = p.limit()
	}
	if err == nil && w.err != nil {
		if err = w.err; !p.replies && !w.leaving.Load() {
			err = w.life.Fail(err)
		}
	}
	if err != nil {
		w.release()
	}
	return err
}

func (w *writer) release() { <-w.lock }

func (w *writer) waitForLock(p purpose) error {
	select {
	case w.lock <- struct{}{}:
		return nil
	default:
	}
	if p.ctx == nil {
		return w.waitFor(p.who, w.lock, nil)
	}
	select {
	case w.lock <- struct{}{}:
		return nil
	case <-p.ctx.Done():
		return fmt.Errorf("rtmp: write: %w", p.ctx.Err())
	case <-w.life.done:
		return w.life.Err()
	}
}

// waitFor waits for the lock or for an event, one of which is nil, as long as who may write; nil: for ever.
func (w *writer) waitFor(who Writer, lock chan<- struct{}, event <-chan struct{}) error {
	for {
		var expired <-chan time.Time
		var wake <-chan struct{}
		if who != nil {
			deadline, err := who.WriteLimit()
			if err != nil {
				return err
			}
			if !deadline.IsZero() {
				timer := time.NewTimer(time.Until(deadline))
				defer timer.Stop()
				expired = timer.C
			}
			wake = who.WriteWake()
		}
		select {
		case lock <- struct{}{}:
			return nil
		case <-event:
			return nil
		case <-w.life.done:
			return w.life.Err()
		case <-expired:
			return &TimeoutError{What: "write"}
		case <-wake:
		}
	}
}

// Send writes messages with one system call, pending replies first. ctx ending before the write begins leaves the
// connection as it was; ending in mid-write it is final, since half a chunk may be out, unless the rest leaves in writeGrace.
func (w *writer) Send(ctx context.Context, messages ...chunk.Outgoing) error {
	return w.send(purpose{ctx: ctx, replies: len(messages) == 0}, messages...)
}

// SendBy is Send with a deadline.
func (w *writer) SendBy(deadline time.Time, messages ...chunk.Outgoing) error {
	return w.send(purpose{who: until(deadline), replies: len(messages) == 0}, messages...)
}

// until is a Writer that writes until then.
type until time.Time

func (u until) WriteLimit() (time.Time, error) { return time.Time(u), nil }
func (u until) WriteWake() <-chan struct{}     { return nil }

// SendReply is Send for an answer, without a limit of its own. When it can't be sent the connection lives as long as it can be
// read.
func (w *writer) SendReply(messages ...chunk.Outgoing) error {
	return w.send(purpose{replies: true}, messages...)
}

func (w *writer) send(p purpose, messages ...chunk.Outgoing) error {
	if err := w.acquire(p); err != nil {
		return err
	}
	defer w.release()
	w.begin()
	var refused error // a message that can't be encoded keeps those before it from being lost
	for i := range messages {
		if w.buf, refused = w.encode(w.buf, &messages[i]); refused != nil {
			break
		}
	}
	switch err := w.flush(p, keepWriteBuffer); {
	case err == nil:
		return refused
	case p.replies && !(w.config.Progress && errors.Is(err, os.ErrDeadlineExceeded)): // a peer that only listens no more is heard out
		return err
	default:
		return w.life.Fail(err)
	}
}

// encode appends the chunks of a message. The caller holds the lock.
func (w *writer) encode(dst []byte, o *chunk.Outgoing) ([]byte, error) {
	dst, err := w.chunks.AppendMessage(dst, o)
	if err == nil && w.config.Sent != nil {
		w.config.Sent(*o)
	}
	return dst, err
}

// begin starts a write buffer with what has to leave first. The caller holds the lock.
func (w *writer) begin() {
	if cap(w.buf) == 0 {
		w.box = writeBuffers.Get().(*[]byte)
		w.buf = *w.box
	}
	w.buf = w.takeReplies(appendAll(append(w.buf[:0], w.unsent...), w.rest))
	w.unsent, w.rest = nil, nil
}

// writeBuffers are the larger write buffers of all connections, so that a connection that writes now and then keeps none.
var writeBuffers = sync.Pool{New: func() any { return new([]byte) }}

// flush writes the buffer, and keeps it if it is not larger than that. The caller holds the lock; an error is final.
func (w *writer) flush(p purpose, keep int) error {
	b := w.buf
	if len(b) == 0 {
		return nil
	}
	w.buf = b[:0]
	w.err = w.write(p, b)
	if cap(b) > keep {
		w.share()
	}
	return w.err
}

// share gives the empty buffer to whoever needs one next.
func (w *writer) share() {
	if w.box == nil {
		w.box = new([]byte)
	}
	if cap(w.buf) <= shareWriteBuffer {
		*w.box = w.buf
		writeBuffers.Put(w.box)
	}
	w.box, w.buf = nil, nil
}

// write writes b within Config.Timeout and p's limit, or writeGrace if that is longer. Most often the socket takes it at once, and no
// deadline has to be set.
func (w *writer) write(p purpose, b []byte) error {
	if w.try != nil {
		n, err := w.try.write(b)
		w.config.Counters.BytesWritten.Add(uint64(n))
		if err != nil {
			return w.lost(err)
		}
		if b = b[n:]; len(b) == 0 {
			return nil
		}
	}
	return w.writing(p, func() (int, error) {
		n, err := w.life.nc.Write(b)
		b = b[n:]
		return n, err
	})
}

// writing repeats write, which goes on where it stopped, within the limits of write.
func (w *writer) writing(p purpose, write func() (int, error)) error {
	var holder any = w
	if p.who != nil {
		holder = p.who
	}
	w.deadline.hold(holder)
	defer w.deadline.hold(nil)
	if p.ctx != nil && p.ctx.Done() != nil {
		stop := context.AfterFunc(p.ctx, func() { w.deadline.interrupt(w) }) // undone by rearm when it comes too late
		defer stop()
	}
	began := time.Now()
	due, _ := w.due(p, began)
	w.deadline.arm(due) // whatever it reports: a first write is always tried
	for {
		n, err := write()
		w.config.Counters.BytesWritten.Add(uint64(n))
		if err == nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("rtmp: write: %w", err)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return w.lost(err)
		}
		if n > 0 && w.config.Progress {
			began = time.Now()
			due, _ = w.due(p, began)
		}
		for !w.deadline.rearm(due) {
			w.deadline.looks()
			if due, err = w.due(p, began); !due.IsZero() && !time.Now().Before(due) {
				if err == nil {
					err = &TimeoutError{What: "write"}
				}
				return err
			}
		}
	}
}

func (w *writer) lost(err error) error {
	return &LostError{What: "write", Peer: w.config.Peer, Cause: err}
}

// due is when a write that began then has to end, zero: never, and why it is to end if that is p's doing.
func (w *writer) due(p purpose, began time.Time) (time.Time, error) {
	due, err := p.limit()
	if grace := began.Add(writeGrace); err != nil || !due.IsZero() && due.Before(grace) {
		due = grace
	}
	if t := w.config.Timeout; t > 0 && (due.IsZero() || began.Add(t).Before(due)) {
		due = began.Add(t)
	}
	return due, err
}

// InterruptWrite makes a write for who that is under way look at its limit.
func (w *writer) InterruptWrite(who Writer) { w.deadline.interrupt(who) }

// Leaving says that the peer may hang up from now on: that something can't be written any more ends nothing.
func (w *writer) Leaving() { w.leaving.Store(true) }

// CloseWrite tells the peer that nothing more will come. It reports false if the connection can't.
func (w *writer) CloseWrite(ctx context.Context) bool {
	half, ok := w.life.nc.(interface{ CloseWrite() error })
	if !ok {
		return false
	}
	select {
	case w.lock <- struct{}{}:
	case <-ctx.Done():
		return true
	}
	defer w.release()
	if half.CloseWrite() != nil {
		return false
	}
	w.err = fmt.Errorf("rtmp: write: %w", net.ErrClosed)
	return true
}
