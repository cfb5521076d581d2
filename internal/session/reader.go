package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// reader is the read side: whoever waits, reads. The token is the right to read the socket. Everyone who waits for
// something takes the token if it is free, reads and dispatches for everybody until its own event has happened, and lets
// go. So a program that plays is its own reader, without a goroutine and without a queue.
type reader struct {
	life   *lifetime
	out    *writer
	config *Config

	token    chan struct{} // one slot, full while somebody reads
	in       *chunk.Reader // owned by the holder of the token
	msg      chunk.Message // likewise
	holder   *Waiter       // likewise
	deadline deadline
	window   window
	standing standing

	full    atomic.Pointer[Backlog] // one that is at its limit
	drained chan struct{}           // signalled when full is cleared

	dispatching sync.Mutex // held for one dispatch: by the holder of the token, or by HandlePacket
	message     Message    // the one in dispatch; guarded by dispatching

	acknowledged atomic.Uint32
	limit        atomic.Int64 // of SetMaxMessageSize, until the next read
}

func newReader(life *lifetime, out *writer, config *Config) *reader {
	r := &reader{life: life, out: out, config: config, token: make(chan struct{}, 1), drained: make(chan struct{}, 1)}
	r.deadline.set = life.nc.SetReadDeadline
	r.window = window{replies: &out.replies, received: config.HandshakeBytes, size: config.Window}
	r.standing.init(r)
	return r
}

// Await waits until done is closed, as long as ctx allows, and serves the connection meanwhile. what is for the error text. A
// nil done never happens.
func (r *reader) Await(ctx context.Context, what string, done <-chan struct{}) error {
	return r.Read(&Waiter{What: what, Wake: done, ctx: ctx})
}

// AwaitReply is Await for at most Config.Timeout.
func (r *reader) AwaitReply(ctx context.Context, what string, done <-chan struct{}) error {
	w := &Waiter{What: what, Wake: done, ctx: ctx}
	if t := r.config.Timeout; t > 0 {
		w.deadline = time.Now().Add(t)
	}
	return r.Read(w)
}

// Read returns nil once w is ready, else why it can't become so.
func (r *reader) Read(w *Waiter) error {
	for {
		lost := r.life.Err() // before ready: what arrived before the connection was lost counts
		if w.ready() {
			return nil
		}
		if lost != nil {
			return lost
		}
		select {
		case r.token <- struct{}{}:
		default:
			if got, err := r.awaitTurn(w); err != nil {
				return err
			} else if !got {
				continue
			}
		}
		again, err := r.readFor(w)
		<-r.token
		r.out.FlushReplies()
		if !again {
			return err
		}
	}
}

// awaitTurn waits until the token is ours (got) or something else happened that makes another look worthwhile.
func (r *reader) awaitTurn(w *Waiter) (got bool, err error) {
	var expired <-chan time.Time
	if d := w.due(); !d.IsZero() {
		timer := time.NewTimer(time.Until(d))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case r.token <- struct{}{}:
		return true, nil
	case <-w.Wake:
		return false, nil
	case <-r.life.done:
		return false, nil
	case <-w.cancelled():
		return false, fmt.Errorf("rtmp: %s: %w", w.What, w.ctx.Err())
	case <-expired:
		return false, &TimeoutError{What: w.What}
	}
}

// readFor reads and dispatches until w is ready; the caller holds the token. again says that somebody interrupted w to
// make it look at its state.
func (r *reader) readFor(w *Waiter) (again bool, err error) {
	r.holder = w
	r.deadline.hold(w)
	defer r.deadline.hold(nil)
	if w.cancelled() != nil {
		stop := context.AfterFunc(w.ctx, func() { r.Interrupt(w) })
		defer stop()
	}
	for !w.ready() {
		if b := r.full.Load(); w.stops(b) {
			return false, b.err()
		}
		if err := r.in.Next(&r.msg); err != nil {
			return r.failed(w, err)
		}
		if w.packet != nil {
			*w.packet = received(&r.msg).Packet
			w.packet.Body = append([]byte{}, r.msg.Body()...)
		} else if err := r.dispatch(w.Sink); err != nil {
			return false, r.life.Fail(err)
		}
	}
	for w.Sink != nil && w.Sink.Room() {
		ok, err := r.in.NextBuffered(&r.msg)
		if err == nil && ok {
			err = r.dispatch(w.Sink)
		}
		if err != nil {
			r.life.Fail(ReadError(err, r.config.Peer)) // w has what it came for; the next call learns of this
		}
		if err != nil || !ok {
			break
		}
	}
	return false, nil
}

func (r *reader) dispatch(direct Sink) error {
	r.dispatching.Lock()
	defer r.dispatching.Unlock()
	r.message = received(&r.msg)
	return r.serve(&r.message, direct)
}

// failed sorts an error of the chunk reader: an interruption and a deadline leave the connection as it is.
func (r *reader) failed(w *Waiter, err error) (again bool, _ error) {
	if closed := r.life.Err(); closed != nil {
		return false, closed
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false, r.life.Fail(ReadError(err, r.config.Peer))
	}
	if w.ctx != nil && w.ctx.Err() != nil {
		return false, fmt.Errorf("rtmp: %s: %w", w.What, w.ctx.Err())
	}
	if r.deadline.looks() {
		return true, nil
	}
	return false, &TimeoutError{What: w.What}
}

// Interrupt makes w, if it is reading, stop and look at its state.
func (r *reader) Interrupt(w *Waiter) { r.deadline.interrupt(w) }

// source is where the chunk reader reads: the socket, under the deadline of whoever holds the token.
type source struct{ r *reader }

func (s source) Read(b []byte) (int, error) {
	r := s.r
	r.out.FlushReplies()
	due := r.holder.due()
	ok := r.deadline.arm(due)
	if r.config.BeforeRead != nil {
		r.config.BeforeRead()
	}
	for ok {
		n, err := r.life.nc.Read(b)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			r.config.Counters.BytesRead.Add(uint64(n))
			r.window.count(n)
			r.takeLimit()
			return n, err
		}
		ok = r.deadline.rearm(due)
	}
	return 0, os.ErrDeadlineExceeded
}

// ReadPacket reads the next message of any type into p, before anything but the chunk reader has acted on it. It takes
// precedence over the standing reader. p.Body is replaced and the caller's to keep. idle bounds each read of the socket; <= 0:
// nothing does.
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

// HandlePacket does with a packet of ReadPacket what would have been done with it.
func (r *reader) HandlePacket(ctx context.Context, p *message.Packet) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("rtmp: handle packet: %w", err)
	}
	r.dispatching.Lock()
	err := r.serve(&Message{Packet: *p}, nil)
	r.dispatching.Unlock()
	r.out.FlushReplies()
	if err != nil {
		return r.life.Fail(err)
	}
	return nil
}
