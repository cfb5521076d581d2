package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
)

// past is a deadline that makes a blocked read or write return at once.
var past = time.Unix(1, 0)

// pump is the read side: whoever waits, reads. The token is the right to read the socket. Everyone who waits for
// something takes the token if it is free, reads and dispatches for everybody until its own event has happened, and lets
// go. So a program that plays is its own reader, without a goroutine and without a queue.
type pump struct {
	token chan struct{} // one slot, full while somebody reads
	in    *chunk.Reader // owned by the holder of the token
	msg   chunk.Message // owned by the holder of the token

	incoming    session.Message // the message in dispatch, guarded by dispatching
	dispatching sync.Mutex      // held for one dispatch: by the holder of the token, or by HandlePacket

	mu        sync.Mutex // guards the rest; orders setting a deadline and interrupting
	holder    *waiter
	armed     time.Time // the socket's read deadline
	received  uint64    // bytes since the first of the handshake
	before    uint64    // bytes of connections that were given up while connecting
	acked     uint64    // received at the last Acknowledgement
	window    uint32    // the server's Window Acknowledgement Size
	announced uint32    // ours, as last sent
	claims    int       // calls that take precedence over the standing reader
	unclaim   chan struct{}
}

// reset makes the read side ready for another connection. Nobody uses it meanwhile.
func (p *pump) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = time.Time{}
	p.before, p.received = p.before+p.received, 0
	p.acked, p.window, p.announced = 0, defaultWindow, 0
}

// waiter is somebody who waits for something that the server will send.
type waiter struct {
	what     string          // for the error text
	ctx      context.Context // nil: none
	deadline time.Time       // for the whole wait; zero: none
	idle     time.Duration   // for each read of the socket; 0: none
	ready    func() bool     // the event has happened; nil: never does
	wake     <-chan struct{} // closed or signalled when ready may have become true through another's reading
	more     func() bool     // the event has happened, and what is buffered already is welcome too; may be nil
	packet   *Packet         // takes the next message whole, instead of its being dispatched
	stream   *Stream         // takes this stream's media directly; its own backlog does not stop it

	interrupted bool // guarded by pump.mu
}

// await returns nil once w is ready, else why it can't become so.
func (c *Conn) await(w *waiter) error {
	for {
		lost := c.Err() // before ready: what arrived before the connection was lost counts
		if w.ready != nil && w.ready() {
			return nil
		}
		if lost != nil {
			return lost
		}
		select {
		case c.pump.token <- struct{}{}:
		default:
			if got, err := c.awaitTurn(w); err != nil {
				return err
			} else if !got {
				continue
			}
		}
		again, err := c.readFor(w)
		<-c.pump.token
		c.flushReplies()
		if !again {
			return err
		}
	}
}

// awaitTurn waits until the token is ours (got) or something else happened that makes another look worthwhile.
func (c *Conn) awaitTurn(w *waiter) (got bool, err error) {
	var cancelled <-chan struct{}
	if w.ctx != nil {
		cancelled = w.ctx.Done()
	}
	var expired <-chan time.Time
	if d := c.due(w); !d.IsZero() {
		timer := time.NewTimer(time.Until(d))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case c.pump.token <- struct{}{}:
		return true, nil
	case <-w.wake:
		return false, nil
	case <-c.done:
		return false, nil
	case <-cancelled:
		return false, fmt.Errorf("rtmp: %s: %w", w.what, w.ctx.Err())
	case <-expired:
		return false, &session.TimeoutError{What: w.what}
	}
}

// due is when w gives up if nothing arrives from now on.
func (c *Conn) due(w *waiter) time.Time {
	d := w.deadline
	if w.idle > 0 {
		if idle := time.Now().Add(w.idle); d.IsZero() || idle.Before(d) {
			d = idle
		}
	}
	return d
}

// readFor reads and dispatches until w is ready; the caller holds the token. again says that somebody interrupted w to
// make it look at its state.
func (c *Conn) readFor(w *waiter) (again bool, err error) {
	p := &c.pump
	p.mu.Lock()
	p.holder = w
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.holder = nil
		p.mu.Unlock()
	}()
	if w.ctx != nil && w.ctx.Done() != nil {
		stop := context.AfterFunc(w.ctx, func() { c.interrupt(w) })
		defer stop()
	}
	for w.ready == nil || !w.ready() {
		if s := c.full.Load(); s != nil && s != w.stream {
			return false, fmt.Errorf("%w: %s", ErrStreamBacklog, s.opening("stream "+strconv.Itoa(int(s.id))))
		}
		if err := p.in.Next(&p.msg); err != nil {
			return c.readFailed(w, err)
		}
		if w.packet != nil {
			*w.packet = session.Received(&p.msg).Packet
			w.packet.Body = append([]byte{}, p.msg.Body()...)
		} else if err := c.dispatchMessage(w.stream); err != nil {
			return false, c.fail(err)
		}
	}
	for w.more != nil && w.more() {
		ok, err := p.in.NextBuffered(&p.msg)
		if err == nil && ok {
			err = c.dispatchMessage(w.stream)
		}
		if err != nil {
			c.fail(protocolError(err)) // w has what it came for; the next call learns of this
		}
		if err != nil || !ok {
			break
		}
	}
	return false, nil
}

func (c *Conn) dispatchMessage(direct *Stream) error {
	m := &c.pump.msg
	c.pump.dispatching.Lock()
	defer c.pump.dispatching.Unlock()
	c.pump.incoming = session.Received(m)
	return c.dispatch(&c.pump.incoming, direct)
}

// readFailed sorts an error of the chunk reader: an interruption and a deadline leave the connection as it is.
func (c *Conn) readFailed(w *waiter, err error) (again bool, _ error) {
	if closed := c.Err(); closed != nil {
		return false, closed
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false, c.fail(protocolError(err))
	}
	if w.ctx != nil && w.ctx.Err() != nil {
		return false, fmt.Errorf("rtmp: %s: %w", w.what, w.ctx.Err())
	}
	c.pump.mu.Lock()
	defer c.pump.mu.Unlock()
	if w.interrupted {
		w.interrupted = false
		return true, nil
	}
	return false, &session.TimeoutError{What: w.what}
}

// protocolError gives an error of the read side its place in the table of errors.
func protocolError(err error) error {
	var bad *chunk.Error
	var protocol *ProtocolError
	switch {
	case errors.As(err, &bad):
		return &ProtocolError{Phase: "chunk", Detail: bad.Detail, Value: bad.Value, Err: err}
	case errors.As(err, &protocol):
		return err
	case errors.Is(err, net.ErrClosed):
		return fmt.Errorf("rtmp: read: %w", err)
	case errors.Is(err, io.EOF):
		return &session.LostError{What: "read"}
	}
	return &session.LostError{What: "read", Cause: err}
}

// interrupt makes w, if it is reading, stop and look at its state.
func (c *Conn) interrupt(w *waiter) {
	c.pump.mu.Lock()
	defer c.pump.mu.Unlock()
	if c.pump.holder == w {
		w.interrupted = true
		c.pump.setDeadline(c.nc, past)
	}
}

// source is where the chunk reader reads: the socket, under the deadline of whoever holds the token.
type source struct{ c *Conn }

func (s source) Read(b []byte) (int, error) {
	c := s.c
	c.flushReplies()
	due, ok := c.arm()
	c.quickAcks.arm()
	for ok {
		n, err := c.nc.Read(b)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			c.count(n)
			return n, err
		}
		ok = c.rearm(due)
	}
	return 0, os.ErrDeadlineExceeded
}

// arm makes sure that a read ends when the holder gives up, which it returns. It reports false when the holder was
// interrupted before. A deadline that would end the read too early stays: moving it for each read costs more than the
// read (the runtime's timers wake another thread), and rearm deals with the one that it ends.
func (c *Conn) arm() (due time.Time, ok bool) {
	p := &c.pump
	p.mu.Lock()
	defer p.mu.Unlock()
	due = c.due(p.holder)
	if !due.IsZero() && (p.armed.IsZero() || due.Before(p.armed)) {
		p.setDeadline(c.nc, due)
	}
	return due, !p.holder.interrupted
}

// rearm reports whether to read again after a deadline has ended a read: it was none of the holder's.
func (c *Conn) rearm(due time.Time) bool {
	p := &c.pump
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holder.interrupted || !due.IsZero() && !time.Now().Before(due) {
		return false
	}
	p.setDeadline(c.nc, due)
	return true
}

// setDeadline sets the socket's read deadline. The caller holds p.mu.
func (p *pump) setDeadline(nc net.Conn, t time.Time) {
	p.armed = t
	nc.SetReadDeadline(t)
}

// count adds received bytes and leaves an Acknowledgement whenever half the window is full (RTMP 1.0 section 5.4.3).
func (c *Conn) count(n int) {
	p := &c.pump
	p.mu.Lock()
	p.received += uint64(n)
	received, due := p.received, p.received-p.acked >= uint64(p.window)/2
	if due {
		p.acked = received
	}
	p.mu.Unlock()
	if due {
		c.acknowledge(received)
	}
}

// claim makes the standing reader let go of the token until release is called.
func (c *Conn) claim() (release func()) {
	p := &c.pump
	p.mu.Lock()
	p.claims++
	if p.claims == 1 {
		p.unclaim = make(chan struct{})
	}
	p.mu.Unlock()
	c.interrupt(c.standing)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.claims--; p.claims == 0 {
			close(p.unclaim)
		}
	}
}

// claimed returns a channel to wait for while somebody takes precedence, else nil.
func (c *Conn) claimed() <-chan struct{} {
	c.pump.mu.Lock()
	defer c.pump.mu.Unlock()
	if c.pump.claims == 0 {
		return nil
	}
	return c.pump.unclaim
}

// standingReader reads when nobody else does, so that pings and calls are answered at any time. It is a waiter without a
// deadline whose only event is that somebody takes precedence.
func (c *Conn) standingReader() {
	for c.Err() == nil {
		if claimed := c.claimed(); claimed != nil {
			select {
			case <-claimed:
			case <-c.done:
			}
			continue
		}
		if err := c.await(c.standing); errors.Is(err, ErrStreamBacklog) {
			select {
			case <-c.drained:
			case <-c.done:
			}
		}
	}
}

// ProcessPackets reads and serves the connection (pings, calls of the server, media into its Streams' queues) until ctx
// ends or the connection does, and returns ctx's error or Conn.Err.
func (c *Conn) ProcessPackets(ctx context.Context) error {
	if !c.started.Load() {
		return ErrNotConnected
	}
	return c.await(&waiter{what: "process packets", ctx: ctx})
}
