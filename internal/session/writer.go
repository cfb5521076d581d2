package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
)

const (
	// keepWriteBuffer is the size of the largest buffer that a connection keeps between writes, in bytes. Larger buffers are returned to a
	// pool that all connections share.
	keepWriteBuffer = 64 << 10
	// shareWriteBuffer is the size of the largest buffer that is returned to the pool, in bytes.
	shareWriteBuffer = 4 << 20
	// timedSize is the number of bytes that must be written within Config.Timeout.
	timedSize = 128 << 10
	// writeGrace is the minimum time that a write gets. Its context or deadline may expire before the first system call, but the socket
	// usually accepts all bytes within microseconds.
	writeGrace = 100 * time.Millisecond
	// stopGrace is how long a write that is in progress when the peer hangs up is waited for, and how long reading goes on after a write has
	// failed.
	stopGrace = 250 * time.Millisecond
)

// writer is the write side.
type writer struct {
	// TryWritev uses the fields up to replies.
	life     *lifetime
	counters *Counters
	lock     lock      // the right to encode and write
	err      error     // error of the first failed write; owned by the holder of lock
	buf      []byte    // owned by the holder of lock. Between writes, it contains bytes that the socket has not accepted yet
	rest     [][]byte  // what is left of TryWritev; owned by the holder of lock. buf or rest is empty
	try      tryWriter // owned by the holder of lock
	replies  replies

	config   *Config
	deadline deadline
	chunks   *chunk.Writer // owned by the holder of lock
	box      *[]byte       // the pointer to buf that the pool uses; nil if there is no buffer; owned by the holder of lock
	posted   bool          // the loss of the unwritten bytes ends the Session, as with messages of Post; owned by the holder of lock

	sending   senders
	gathering atomic.Bool           // a call of Post is about to write the messages that others post meanwhile
	leaving   atomic.Bool           // Leaving was called
	stopped   atomic.Pointer[error] // the error of all later writes, after the peer has hung up or a write has failed
	readAll   atomic.Bool           // the reader has found the end of the connection, and waits for the lock
	reset     atomic.Bool           // a write has failed because the peer has reset the connection
	reader    *reader               // for readRest
}

func (w *writer) init(life *lifetime, r *reader, config *Config) {
	w.life, w.reader, w.config, w.counters, w.chunks = life, r, config, config.Counters, config.Chunks
	w.lock.init()
	w.try.init(life.nc)
	if w.chunks == nil {
		w.chunks = chunk.NewWriter()
	}
	w.deadline.set = life.nc.SetWriteDeadline
	w.replies.unanswered = &config.Counters.Unanswered
}

// encode appends the chunks of a message. The caller holds the lock.
func (w *writer) encode(dst []byte, o *chunk.Outgoing) ([]byte, error) {
	dst, err := w.chunks.AppendMessage(dst, o)
	if err == nil && w.config.Sent != nil {
		w.config.Sent(*o)
	}
	return dst, err
}

// startWrite starts a write with the bytes that must be written first. The caller holds the lock.
func (w *writer) startWrite() {
	w.getBuffer()
	w.buf = w.takeReplies(appendAll(w.buf, w.rest))
	w.rest = nil
}

// getBuffer gets a buffer from the pool, unless the connection has kept one. The caller holds the lock.
func (w *writer) getBuffer() {
	if w.box == nil {
		w.box = writeBuffers.Get().(*[]byte)
		w.buf = (*w.box)[:0]
	}
}

func appendAll(dst []byte, all [][]byte) []byte {
	for _, b := range all {
		dst = append(dst, b...)
	}
	return dst
}

// writeBuffers is a pool of the larger write buffers of all connections, so that a connection that writes rarely keeps none.
var writeBuffers = sync.Pool{New: func() any {
	b := make([]byte, 0, usualCommands)
	return &b
}}

// usualCommands is a size in bytes that is enough for most commands of a player. A buffer that began empty would be copied several times.
const usualCommands = 256

// flush writes the buffer, and keeps the buffer if it is not larger than keep. An error ends all writing. The caller holds the lock.
func (w *writer) flush(p purpose, keep int) error {
	if len(w.buf) > 0 {
		w.err = w.write(p, w.buf)
		w.posted = false // sendLocked has already used its value
	}
	w.empty(keep)
	return w.err
}

// offer writes as much of the buffer as the socket accepts without blocking, and reports whether that is all of it. If the write fails, the
// next write returns an error. The caller holds the lock.
func (w *writer) offer(keep int) bool {
	n, err := w.try.write(w.buf)
	w.noteReset(err)
	w.counters.BytesWritten.Add(uint64(n))
	if n < len(w.buf) {
		w.buf = w.buf[:copy(w.buf, w.buf[n:])]
		return false
	}
	w.posted = false
	w.empty(keep)
	return true
}

// empty empties the buffer, and returns it to the pool if it is larger than keep. The caller holds the lock.
func (w *writer) empty(keep int) {
	w.buf = w.buf[:0]
	if cap(w.buf) <= keep {
		return
	}
	if cap(w.buf) <= shareWriteBuffer {
		*w.box = w.buf
		writeBuffers.Put(w.box)
	}
	w.box, w.buf = nil, nil
}

// write writes b within p's limit, or within writeGrace if that is longer. Each timedSize bytes get Config.Timeout, so that larger writes do
// not need a faster network. Usually the socket accepts all bytes at once, so no deadline needs to be set.
func (w *writer) write(p purpose, b []byte) error {
	for {
		if w.try.usable() {
			n, err := w.try.write(b)
			w.counters.BytesWritten.Add(uint64(n))
			if err != nil {
				return w.lost(err)
			}
			if b = b[n:]; len(b) == 0 {
				return nil
			}
		}
		if p.began.IsZero() { // not before, since reading the clock takes longer than encoding a small message
			p.began = time.Now()
		}
		timed := b[:min(len(b), timedSize)]
		b = b[len(timed):]
		err := w.repeatWrite(p, func() (int, error) {
			n, err := w.life.nc.Write(timed)
			timed = timed[n:]
			return n, err
		})
		if err != nil || len(b) == 0 {
			return err
		}
	}
}

// repeatWrite calls write until it succeeds or a limit has passed. Each call of write must continue where the previous one has stopped.
// p.began must be set, unless p is empty.
func (w *writer) repeatWrite(p purpose, write func() (int, error)) error {
	var holder any = w
	if p.who != nil {
		holder = p.who
	}
	w.deadline.hold(holder)
	defer w.deadline.hold(nil)
	if p.ctx != nil && p.ctx.Done() != nil {
		stop := context.AfterFunc(p.ctx, func() { w.deadline.interrupt(w) }) // rearm undoes an interrupt that comes too late
		defer stop()
	}
	start := time.Now()
	due, _ := w.due(p, start)
	w.deadline.arm(due) // the result does not matter, since write is always tried once
	for {
		n, err := write()
		w.counters.BytesWritten.Add(uint64(n))
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
			start = time.Now()
			due, _ = w.due(p, start)
		}
		for !w.deadline.rearm(due) {
			w.deadline.takeInterrupt()
			if due, err = w.due(p, start); !due.IsZero() && !time.Now().Before(due) {
				if err == nil {
					err = &TimeoutError{What: "write"}
				}
				return err
			}
		}
	}
}

// fail ends the Session because a write has failed with err, and returns the error of the Session. If the peer has closed the connection,
// what it sent before is handled first, since it may say why. The caller holds the lock, and not the token. fail takes at most stopGrace, even
// if nothing can be read or dispatched because of the caller.
func (w *writer) fail(err error) error {
	w.startFailing(err)
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-w.life.done:
	case <-timer.C:
		w.life.Fail(err)
	}
	return w.life.Err()
}

// startFailing is fail for the reader: it does not wait.
func (w *writer) startFailing(err error) {
	var lost *LostError
	unread := w.stopped.CompareAndSwap(nil, &err) && !w.readAll.Load() // otherwise the reader has found that the peer has hung up
	if !unread || !errors.As(err, &lost) || w.config.Passive {
		w.life.Fail(err)
		return
	}
	w.life.Own(func() {
		w.reader.readRest()
		w.life.Fail(err)
	})
}

// noteReset notes whether a write has failed with err because the peer has reset the connection. The system reports a reset only once. A read
// then finds the end of the connection, as if the peer had closed it in an orderly way.
func (w *writer) noteReset(err error) {
	if errors.Is(err, syscall.ECONNRESET) {
		w.reset.Store(true)
	}
}

func (w *writer) lost(err error) error {
	w.noteReset(err)
	return &LostError{What: "write", Peer: w.config.Peer, Cause: err}
}

// due returns the deadline of a piece of a write, or zero if there is no limit. Config.Timeout counts from start. The error is not nil if p
// must end the write now.
func (w *writer) due(p purpose, start time.Time) (time.Time, error) {
	due, err := p.limit()
	grace := p.began.Add(writeGrace)
	if err != nil || !due.IsZero() && due.Before(grace) {
		due = grace
	}
	if t := w.config.Timeout; t > 0 && (due.IsZero() || start.Add(t).Before(due)) {
		due = start.Add(t)
	}
	return due, err
}

// InterruptWrite makes a write in progress for who check its limit.
func (w *writer) InterruptWrite(who Writer) { w.deadline.interrupt(who) }

// Leaving says that the peer may hang up from now on. After a write has failed, later calls return its error without ending the Session, so
// that what the peer has sent can still be read. But a failing write of more than replies still ends the Session.
func (w *writer) Leaving() { w.leaving.Store(true) }

// CloseWrite writes all waiting messages, and closes the write side of the connection. It returns false if the connection can't be half
// closed.
func (w *writer) CloseWrite(ctx context.Context) bool {
	half, ok := w.life.nc.(interface{ CloseWrite() error })
	if !ok {
		return false
	}
	if w.waitForLock(purpose{ctx: ctx}) != nil {
		return true
	}
	defer w.release()
	if w.err == nil {
		w.startWrite()
		w.flush(purpose{ctx: ctx}, 0) // ignore an error: what the peer has sent can still be read
	}
	if half.CloseWrite() != nil {
		return false
	}
	w.err = fmt.Errorf("rtmp: write: %w", net.ErrClosed)
	return true
}
