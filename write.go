package rtmp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

const (
	// maxReplies bounds the replies that wait for a writer. A peer that sends pings faster than it reads our answers
	// loses answers, not the connection.
	maxReplies = 1024
	// keepWriteBuffer is the largest write buffer kept between writes, in bytes.
	keepWriteBuffer = 64 << 10
	// writeGrace is how long a write may last at least. A context or deadline that ends sooner may do so before the socket was
	// offered a byte, which a connection that is well takes in microseconds.
	writeGrace = 100 * time.Millisecond
)

// writeSide owns the direction to the server. The reader never waits for the peer to read: what it has to answer goes to
// pending. The next writer takes it along; else the reader gives the socket what it takes without waiting, and a flusher
// that is started for it writes the rest.
type writeSide struct {
	lock   chan struct{}      // one slot: the right to encode and write. Ordinary mutexes can't be waited for with a context
	chunks *chunk.Writer      // owned by the holder of lock
	buf    []byte             // owned by the holder of lock
	err    error              // owned by the holder of lock: the first failed write
	unsent []byte             // owned by the holder of lock: what the socket did not take without waiting
	try    *session.TryWriter // owned by the holder of lock; nil: there is no such thing here
	due    atomic.Bool        // replies wait

	connection atomic.Uint64 // counts those that Connect has made; changed by the holder of lock

	mu        sync.Mutex // guards the rest
	pending   []chunk.Outgoing
	ackDue    bool
	ack       uint32 // only the newest Acknowledgement says anything
	windowDue bool
	window    uint32 // likewise of our Window Acknowledgement Size
	flushing  bool   // a flusher runs
	flusher   sync.WaitGroup
	dropped   uint64 // pings and the like left unanswered
	total     uint64 // bytes written

	arming  sync.Mutex // guards the rest; orders setting a deadline and interrupting
	armed   time.Time  // the socket's write deadline
	current *Stream    // who writes
}

func newWriteSide() writeSide {
	return writeSide{lock: make(chan struct{}, 1), chunks: chunk.NewWriter()}
}

// reset makes the write side ready for another connection. Nobody uses it meanwhile.
func (w *writeSide) reset() {
	w.chunks, w.err, w.unsent, w.try = chunk.NewWriter(), nil, nil, nil
	w.pending, w.ackDue, w.windowDue, w.flushing = nil, false, false, false
	w.due.Store(false)
	w.armed = time.Time{}
	w.connection.Add(1)
}

// writer is for whom something is written: what ends the writing early.
type writer struct {
	ctx    context.Context // nil: none
	stream *Stream         // nil: none; else its write deadline and its end count
	sender bool            // the stream's send queue: goes on when the stream is being closed

	connection uint64 // what is to be written belongs to this connection and no other; meant if only is set
	only       bool
	replies    bool // nothing but replies: when they are lost, what the server sent before it hung up can still be read
}

// limit is when the writing has to end, zero: never, and what has ended it already.
func (who writer) limit() (time.Time, error) {
	if who.ctx != nil {
		if err := who.ctx.Err(); err != nil {
			return time.Time{}, fmt.Errorf("rtmp: write: %w", err)
		}
		return time.Time{}, nil
	}
	if who.sender {
		return time.Time{}, nil
	}
	return who.stream.writeLimit()
}

// lockWrites takes the write side's lock, if there is still something to write to, and somebody for whom: nothing is encoded for
// who has given up meanwhile, since what has been encoded has to leave.
func (c *Conn) lockWrites(who writer) error {
	if err := c.waitForWrites(who); err != nil {
		return err
	}
	err := c.Err()
	if err == nil {
		_, err = who.limit()
	}
	if err == nil && who.only && who.connection != c.out.connection.Load() {
		err = fmt.Errorf("rtmp: write: %w", net.ErrClosed)
	}
	if err == nil && c.out.err != nil {
		if err = c.out.err; !who.replies && !c.farewell.closing.Load() {
			err = c.fail(err)
		}
	}
	if err != nil {
		<-c.out.lock
	}
	return err
}

func (c *Conn) waitForWrites(who writer) error {
	if _, err := who.limit(); err != nil {
		return err
	}
	select {
	case c.out.lock <- struct{}{}:
		return nil
	default:
	}
	var cancelled <-chan struct{}
	switch {
	case who.ctx != nil:
		cancelled = who.ctx.Done()
	case !who.sender: // which would take the wake-ups from the stream's writer
		return who.stream.waitToWrite(c.out.lock, nil)
	}
	select {
	case c.out.lock <- struct{}{}:
		return nil
	case <-cancelled:
		return fmt.Errorf("rtmp: write: %w", who.ctx.Err())
	case <-c.done:
		return c.Err()
	}
}

// send writes messages with one system call, pending replies first. ctx ending before the write begins leaves the
// connection as it was; ending in mid-write it is final, since half a chunk may be out, unless the rest leaves in writeGrace.
func (c *Conn) send(ctx context.Context, messages ...chunk.Outgoing) error {
	return c.sendFor(writer{ctx: ctx, replies: len(messages) == 0}, messages...)
}

func (c *Conn) sendFor(who writer, messages ...chunk.Outgoing) error {
	if err := c.lockWrites(who); err != nil {
		return err
	}
	defer func() { <-c.out.lock }()
	w := &c.out
	w.begin()
	var refused error // a message that can't be encoded keeps those before it from being lost
	for i := range messages {
		if w.buf, refused = w.chunks.AppendMessage(w.buf, &messages[i]); refused != nil {
			break
		}
	}
	buf := w.buf
	if w.buf = buf[:0]; cap(buf) > keepWriteBuffer {
		w.buf = nil
	}
	if len(buf) == 0 {
		return refused
	}
	switch err := c.writeOut(who, buf); {
	case err == nil:
		return refused
	case who.replies:
		return err
	default:
		return c.fail(err)
	}
}

// begin starts a write buffer with what has to leave first. The caller holds the lock.
func (w *writeSide) begin() {
	w.buf = w.takeReplies(append(w.buf[:0], w.unsent...))
	w.unsent = nil
}

// writeOut writes b within Options.Timeout and who's limit, or writeGrace if that is longer. The caller holds the lock; an error
// is final.
//
// The socket's deadline is moved only when it would end the write at a wrong time: moving it for each write costs more
// than many a write.
func (c *Conn) writeOut(who writer, b []byte) error {
	w := &c.out
	if who.ctx != nil && who.ctx.Done() != nil {
		stop := context.AfterFunc(who.ctx, func() { w.interrupt(c.nc) }) // undone by armWrite when it comes too late
		defer stop()
	}
	began := time.Now()
	w.err = c.armWrite(who, began, false)
	for w.err == nil {
		n, err := c.nc.Write(b)
		w.mu.Lock()
		w.total += uint64(n)
		w.mu.Unlock()
		if b = b[n:]; err == nil {
			break
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			w.err = c.writeError(err)
			break
		}
		w.err = c.armWrite(who, began, true)
	}
	w.arming.Lock()
	w.current = nil
	w.arming.Unlock()
	return w.err
}

// armWrite sets the socket's deadline for a write, if it has to: after it has ended a write, or if it comes too late. The
// error is why there is to be no further write; a first one is always tried.
func (c *Conn) armWrite(who writer, began time.Time, again bool) error {
	w := &c.out
	w.arming.Lock()
	defer w.arming.Unlock()
	w.current = who.stream
	due, err := who.limit()
	if grace := began.Add(writeGrace); err != nil || !due.IsZero() && due.Before(grace) {
		due = grace
	}
	if t := c.opts.Timeout; t > 0 && (due.IsZero() || began.Add(t).Before(due)) {
		due = began.Add(t)
	}
	if again && !due.IsZero() && !time.Now().Before(due) {
		if err == nil {
			err = &session.TimeoutError{What: "write"}
		}
		return err
	}
	if again || !due.IsZero() && (w.armed.IsZero() || due.Before(w.armed)) {
		w.armed = due
		c.nc.SetWriteDeadline(due)
	}
	return nil
}

// rouse makes a write for s look at its limit.
func (w *writeSide) rouse(nc net.Conn, s *Stream) {
	w.arming.Lock()
	defer w.arming.Unlock()
	if w.current == s {
		nc.SetWriteDeadline(past)
	}
}

// interrupt makes the write under way look at its limit.
func (w *writeSide) interrupt(nc net.Conn) {
	w.arming.Lock()
	defer w.arming.Unlock()
	nc.SetWriteDeadline(past)
}

// written is how many bytes have left.
func (c *Conn) written() uint64 {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.total
}

func (c *Conn) writeError(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("rtmp: write: %w", err)
	}
	return &session.LostError{What: "write", Cause: err}
}

// takeReplies encodes what the reader left. The chunk writer can't refuse it: the library made it.
func (w *writeSide) takeReplies(buf []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ackDue {
		w.ackDue = false
		o := session.Control(message.TypeAcknowledgement, binary.BigEndian.AppendUint32(nil, w.ack))
		buf, _ = w.chunks.AppendMessage(buf, &o)
	}
	if w.windowDue {
		w.windowDue = false
		o := session.Control(message.TypeWindowAckSize, binary.BigEndian.AppendUint32(nil, w.window))
		buf, _ = w.chunks.AppendMessage(buf, &o)
	}
	for i := range w.pending {
		buf, _ = w.chunks.AppendMessage(buf, &w.pending[i])
	}
	clear(w.pending)
	w.pending = w.pending[:0]
	w.due.Store(false)
	return buf
}

// flushReplies sends what the reader left, without waiting for anything.
func (c *Conn) flushReplies() {
	w := &c.out
	if !w.due.Load() {
		return
	}
	select {
	case w.lock <- struct{}{}:
		done := c.writeNow()
		<-w.lock
		if done {
			return
		}
	default: // its holder may have taken the replies before the last came
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.flushing {
		w.flusher.Add(1)
		if w.flushing = c.own(c.flush); !w.flushing {
			w.flusher.Done()
		}
	}
}

// writeNow gives the socket what it takes. It reports whether that was all. The caller holds the lock.
func (c *Conn) writeNow() bool {
	w := &c.out
	if w.try == nil || w.err != nil || len(w.unsent) > 0 {
		return false
	}
	b := w.takeReplies(w.buf[:0])
	w.buf = b[:0] // a batch begins where it is empty
	n := w.try.Write(b)
	w.mu.Lock()
	w.total += uint64(n)
	w.mu.Unlock()
	w.unsent = append(w.unsent, b[n:]...)
	return len(w.unsent) == 0
}

// reply leaves a message for the next writer, or flushReplies. Called by the reader, so it never blocks: what finds no room
// is dropped.
func (c *Conn) reply(o chunk.Outgoing) {
	w := &c.out
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) >= maxReplies {
		w.dropped++
		return
	}
	w.pending = append(w.pending, o)
	w.due.Store(true)
}

// announceWindow leaves a Window Acknowledgement Size, replacing one that has not left yet.
func (c *Conn) announceWindow(size uint32) {
	w := &c.out
	w.mu.Lock()
	defer w.mu.Unlock()
	w.windowDue, w.window = true, size
	w.due.Store(true)
}

// acknowledge leaves an Acknowledgement, replacing one that has not left yet.
func (c *Conn) acknowledge(received uint64) {
	w := &c.out
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ackDue, w.ack = true, uint32(received)
	w.due.Store(true)
}

func (c *Conn) flush() {
	w := &c.out
	defer w.flusher.Done()
	for c.send(context.Background()) == nil {
		w.mu.Lock()
		if !w.due.Load() {
			w.flushing = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
	}
}
