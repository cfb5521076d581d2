package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// reader is the read side. The token is the right to read the socket. A call that waits for something takes the token if it is free. It
// then reads and dispatches for all calls, until its own event has happened, and gives the token back. So a program that plays reads the
// socket on its own goroutine, without a queue.
type reader struct {
	life   *lifetime
	out    *writer
	config *Config

	token      token
	in         *chunk.Reader          // owned by the holder of the token
	kept       bool                   // msg has not been dispatched yet; owned by the holder of the token
	holder     *Waiter                // owned by the holder of the token
	msg        chunk.Message          // owned by the holder of the token
	message    Message                // msg for a Taker or a Dispatcher; owned by the holder of the token
	taken      uint64                 // messages that were taken and not yet counted; owned by the holder of the token
	beforeRead func() bool            // Config.BeforeRead until it has returned false; may be nil; owned by the holder of the token
	lessee     atomic.Pointer[Waiter] // keeps the token between calls of TakeBuffered; may be nil; set and cleared with its Taker's lock held
	deadline   deadline
	window     window

	dispatching sync.Mutex        // held for one dispatch: by the holder of the token, or by HandlePacket
	wakes       []chan<- struct{} // the channels passed to WakeAfter; guarded by dispatching
	backlogs
	limit        atomic.Int64 // value of SetMaxMessageSize, until the next read
	acknowledged atomic.Uint32

	standing standing
	waiters  waiterPool
}

func (r *reader) init(life *lifetime, out *writer, config *Config) {
	r.life, r.out, r.config, r.drained = life, out, config, make(chan struct{}, 1)
	r.token.init()
	r.beforeRead = config.BeforeRead
	r.deadline.set = life.nc.SetReadDeadline
	r.window.replies, r.window.received = &out.replies, config.HandshakeBytes
	r.window.size.Store(config.Window)
	r.standing.init(r)
}

// Await waits until done is closed or ctx is done, and reads and dispatches meanwhile. what names the wait in errors. done may be nil.
func (r *reader) Await(ctx context.Context, what string, done <-chan struct{}) error {
	return r.Read(&Waiter{What: what, Wake: done, ctx: ctx})
}

// AwaitReply is like Await, with a limit of Config.Timeout.
func (r *reader) AwaitReply(ctx context.Context, what string, done <-chan struct{}) error {
	return r.await(ctx, r.config.Timeout, what, done, nil)
}

// await waits until done is closed or, if k is not nil, until k is complete, for at most limit; <= 0 means no limit.
func (r *reader) await(ctx context.Context, limit time.Duration, what string, done <-chan struct{}, k *Call) error {
	w := r.waiters.get()
	w.ctx, w.What, w.Wake, w.call = ctx, what, done, k
	w.expireAfter(limit)
	err := r.Read(w)
	r.waiters.put(w) // an interrupt that comes later is harmless
	return err
}

// Read returns nil when w is ready, and otherwise an error.
func (r *reader) Read(w *Waiter) error {
	check := w.Taker == nil // the owner of a Taker has checked before the call
	for {
		lost := r.life.Err() // read before the first check, since messages that arrived before the connection was lost must be used
		if (check || lost != nil) && w.ready() {
			return nil
		}
		if lost != nil {
			return lost
		}
		if w.Taker != nil && r.token.awaited() || !r.token.take() {
			if !check {
				check = true
				continue
			}
			if got, err := r.awaitTurn(w); err != nil {
				return err
			} else if !got {
				continue
			}
		}
		again, err := r.readFor(w, check)
		r.token.give()
		r.out.FlushReplies()
		if !again {
			return err
		}
		check = true
	}
}

// awaitTurn waits until it has the token (got is true), or until w was woken or has expired. w may be ready when awaitTurn returns.
func (r *reader) awaitTurn(w *Waiter) (got bool, err error) {
	if w.Taker != nil {
		w.Taker.Park(true)
		defer w.Taker.Park(false)
	}
	wake := w.wake()
	defer r.token.waiting.Add(-1)
	if r.token.waiting.Add(1) > 1 && w.Taker != nil {
		runtime.Gosched() // let goroutines that were woken earlier run first, since otherwise their media would be queued
		select {
		case <-wake:
			return false, nil
		default:
		}
	}
	r.Recall()
	if r.token.take() {
		return true, nil
	}
	expired := w.expiry()
	if expired != nil {
		defer w.timer.Stop()
	}
	for {
		select {
		case <-r.token.released:
			if r.token.take() {
				return true, nil
			}
		case <-wake:
			return false, nil
		case <-r.life.done:
			return false, nil
		case <-w.cancelled():
			return false, fmt.Errorf("rtmp: %s: %w", w.What, w.ctx.Err())
		case <-expired:
			return false, &TimeoutError{What: w.What}
		}
	}
}

// readFor reads and dispatches until w is ready. If check is true, it first checks whether w is ready. The caller holds the token. again is
// true if w was interrupted and must check its state.
func (r *reader) readFor(w *Waiter, check bool) (again bool, err error) {
	if ready, err := r.serveBuffered(w, check); ready || err != nil {
		r.releaseBuffer()
		return false, err
	}
	r.holder = w
	r.deadline.hold(w)
	defer r.deadline.hold(nil)
	if w.cancelled() != nil {
		stop := context.AfterFunc(w.ctx, func() { r.Interrupt(w) })
		defer stop()
	}
	for ready := w.ready(); !ready && err == nil; { // the new holder of the deadline must check its state
		r.msg = chunk.Message{} // otherwise the buffer could not be freed while there is nothing to read
		if err := r.in.Fill(); err != nil {
			r.releaseBuffer()
			return r.failed(w, err)
		}
		ready, err = r.serveBuffered(w, true)
	}
	r.releaseBuffer()
	return false, err
}

// releaseBuffer returns the read buffer to its pool, unless the buffer is still needed.
func (r *reader) releaseBuffer() {
	if !r.kept {
		r.msg = chunk.Message{}
		r.in.ReleaseBuffer()
	}
}

// serveBuffered dispatches messages that have already been read until w is ready, and then further ones while wantsMore returns true. If
// check is true, it first checks whether w is ready. The error says why w is not ready. An error that occurs after w is ready is left to
// the next call.
func (r *reader) serveBuffered(w *Waiter, check bool) (ready bool, _ error) {
	ready = check && w.ready()
	r.dispatching.Lock()
	ready, stopped, err := r.dispatchBuffered(w, ready)
	r.dispatched()
	if err != nil {
		err = r.life.Fail(err)
	}
	switch {
	case ready:
		return true, nil
	case err == nil && stopped != nil:
		err = stopped.err()
	}
	return false, err
}

// dispatchBuffered does the work of serveBuffered. The caller holds dispatching. An error ends the Session. If a full Backlog has stopped w,
// dispatchBuffered returns that Backlog.
func (r *reader) dispatchBuffered(w *Waiter, ready bool) (_ bool, stopped *Backlog, _ error) {
	for !ready || !r.kept && r.wantsMore(w) {
		if b := r.full.Load(); !ready && w.stops(b) {
			return false, b, nil
		}
		ok, err := r.nextBuffered()
		if err != nil {
			return ready, nil, ReadError(err, r.config.Peer)
		}
		if !ok {
			break
		}
		if ready && w.Sink == nil && !isCommand(r.msg.Type) {
			r.kept = true
			break
		}
		switch {
		case w.Taker != nil && r.config.Tap == nil:
			var declined bool
			if declined, ready, err = r.takeBuffered(w.Taker); err != nil {
				return ready, nil, ReadError(err, r.config.Peer)
			}
			if !declined {
				continue
			}
		case w.packet != nil:
			r.message.receive(&r.msg)
			*w.packet = r.message.Packet
			w.packet.Body = append([]byte{}, r.msg.Body()...)
			ready = true
			continue
		default:
			r.message.receive(&r.msg)
		}
		if err := r.serve(&r.message, w.Sink); err != nil {
			return ready, nil, err
		}
		ready = ready || w.ready()
	}
	return ready, nil, nil
}

// wantsMore reports whether w, which is ready, should handle more of the messages that have already been read. It should if its Sink has
// room, or if other goroutines wait for the answers to their calls, so that these need not take turns reading.
func (r *reader) wantsMore(w *Waiter) bool {
	if w.Sink != nil {
		return w.Sink.Room()
	}
	return w.packet == nil && r.token.awaited()
}

func isCommand(t uint8) bool {
	return message.Type(t) == message.TypeCommandAMF0 || message.Type(t) == message.TypeCommandAMF3
}

// WakeAfter signals wake, a channel with one slot, when all messages that were received together have been dispatched. The goroutine that
// waits for wake then runs once instead of once for each message. Only a Dispatcher may call WakeAfter, in Dispatch.
func (r *reader) WakeAfter(wake chan<- struct{}) {
	if !slices.Contains(r.wakes, wake) {
		r.wakes = append(r.wakes, wake)
	}
}

// dispatched signals the channels passed to WakeAfter, and unlocks dispatching.
func (r *reader) dispatched() {
	for _, wake := range r.wakes {
		Signal(wake)
	}
	r.wakes = r.wakes[:0]
	r.dispatching.Unlock()
}

// nextBuffered sets r.msg to the next message that has already been read.
func (r *reader) nextBuffered() (bool, error) {
	if r.kept {
		r.kept = false
		return true, nil
	}
	return r.in.NextBuffered(&r.msg)
}

// failed handles an error of the chunk reader. Interruptions and deadlines do not affect the connection.
func (r *reader) failed(w *Waiter, err error) (again bool, _ error) {
	if closed := r.life.Err(); closed != nil {
		return false, closed
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false, r.life.Fail(r.lost(err))
	}
	if w.ctx != nil && w.ctx.Err() != nil {
		return false, fmt.Errorf("rtmp: %s: %w", w.What, w.ctx.Err())
	}
	if r.deadline.takeInterrupt() {
		return true, nil
	}
	return false, &TimeoutError{What: w.What}
}

// lost returns the error of the connection after err has ended reading.
func (r *reader) lost(err error) error {
	err = ReadError(err, r.config.Peer)
	if HungUp(err) && r.out.reset.Load() {
		err = &LostError{What: "read", Peer: r.config.Peer, Cause: syscall.ECONNRESET}
	}
	switch {
	case !HungUp(err):
	case r.config.HungUp != nil:
		r.config.HungUp(!r.out.stop(err))
	default:
		r.out.finishReplies() // the peer may have closed only its own direction
	}
	return err
}

// readRest reads and dispatches until the Session ends, for at most stopGrace.
func (r *reader) readRest() {
	r.await(context.Background(), stopGrace, "read", nil, nil)
}

// Interrupt makes w check its state, if w is reading.
func (r *reader) Interrupt(w *Waiter) { r.deadline.interrupt(w) }

// InterruptRead makes the Waiter that is reading, whichever it is, check whether what it waits for has happened. A goroutine that completes a
// wait without a message from the peer calls it.
func (r *reader) InterruptRead() { r.deadline.interrupt(nil) }

// ReadPacket reads the next message of any type into p without dispatching it. It takes precedence over the standing reader. It sets p.Body
// to a new slice, which the caller may keep. idle bounds each read of the socket; <= 0 means no bound.
func (r *reader) ReadPacket(ctx context.Context, idle time.Duration, p *message.Packet) error {
	r.standing.claim()
	defer r.standing.release()
	var packet message.Packet
	if err := r.Read(&Waiter{What: "read packet", Idle: idle, ctx: ctx, packet: &packet}); err != nil {
		return err
	}
	*p = packet
	return nil
}

// HandlePacket dispatches a packet that ReadPacket has returned.
func (r *reader) HandlePacket(ctx context.Context, p *message.Packet) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("rtmp: handle packet: %w", err)
	}
	r.dispatching.Lock()
	err := r.serve(&Message{Packet: *p}, nil)
	r.dispatched()
	r.out.FlushReplies()
	if err != nil {
		return r.life.Fail(err)
	}
	return nil
}

// Pause calls wait, which must wait until the socket is readable, and makes it return at due at the latest. Only Config.BeforeRead may call
// Pause.
func (r *reader) Pause(due time.Time, wait func()) {
	if r.deadline.pause(due) {
		wait()
	}
}

// SetMaxMessageSize replaces Config.MaxMessageSize from the next read of the socket on. Any goroutine may call it.
func (r *reader) SetMaxMessageSize(n int) { r.limit.Store(int64(n)) }

// takeLimit applies SetMaxMessageSize. The caller holds the token.
func (r *reader) takeLimit() {
	if r.limit.Load() != 0 {
		r.in.SetMaxMessageSize(int(r.limit.Swap(0)))
	}
}
