package session

import (
	"context"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// Waiter waits for something that the peer will send.
type Waiter struct {
	Sink  Sink            // decides when the wait is over; if nil, it is over when Wake is closed
	Taker Taker           // receives audio and video without a dispatch; may be nil; requires Sink
	ctx   context.Context // may be nil
	Idle  time.Duration   // bounds each read of the socket; 0 means no bound
	Wake  <-chan struct{} // closed or signalled when another reader may have received the event
	What  string          // name of the wait, for the text of errors

	call     *Call           // wait until this call is complete, instead of Wake; may be nil
	packet   *message.Packet // receives the next message instead of a dispatch
	deadline time.Time       // deadline of the whole wait, if there is no Sink; zero means none
	timer    *time.Timer     // timer of expiry; nil until the first wait for another reader
}

// Sink is the owner of a Waiter that receives media, such as a stream that is being read. The methods have no side effects.
type Sink interface {
	Ready() bool         // reports whether the wait is over
	Room() bool          // the owner accepts more of the messages that have already been received
	Deadline() time.Time // deadline of the wait; zero means none
	Backlog() *Backlog   // the owner's Backlog; the owner may read even if it is full; may be nil
}

// Taker receives the messages of its own stream without a dispatch, many at a time. Its methods are called only on the goroutine of its
// Waiter, except that any goroutine that wants to read may take the lock.
type Taker interface {
	sync.Locker              // held during Take and Enough, and by the caller of TakeBuffered
	Park(parked bool)        // while parked is true, the goroutine waits for another reader, which may pass media to the owner of the Taker
	Take(m *Message) Verdict // receives m, which is audio or video, or declines it
	Enough() bool            // the result of Sink.Ready

	// Place returns memory for the beginning of the payload of a message that is about to be read, or nil. streamID and size are those of
	// the message. The memory is used until Read returns or another message is received. Place must not wait for a lock, since it
	// is called inside a read of the socket, and closing the socket waits for that read.
	Place(streamID uint32, size int) []byte
}

// Verdict says what a Taker does with a message.
type Verdict int

const (
	Declined Verdict = iota // dispatch it
	Taken
	Last  // taken, and there is no room for another message
	Later // offer the message again in the next Read; this Read returns
)

func (w *Waiter) ready() bool {
	switch {
	case w.Sink != nil:
		return w.Sink.Ready()
	case w.packet != nil:
		return w.packet.Absolute // received packets are always Absolute
	case w.call != nil:
		return w.call.IsDone()
	}
	select {
	case <-w.Wake:
		return true
	default:
		return false
	}
}

// wake returns the channel that is closed or signalled when another reader may have received the event that w waits for.
func (w *Waiter) wake() <-chan struct{} {
	if w.call != nil {
		return w.call.Done()
	}
	return w.Wake
}

// expireAfter limits the whole wait; <= 0 means no limit.
func (w *Waiter) expireAfter(limit time.Duration) {
	w.deadline = time.Time{}
	if limit > 0 {
		w.deadline = time.Now().Add(limit)
	}
}

// due returns the time at which w gives up if no bytes arrive until then.
func (w *Waiter) due() (d time.Time) {
	if w.Sink != nil {
		d = w.Sink.Deadline()
	} else {
		d = w.deadline
	}
	if w.Idle > 0 {
		if idle := time.Now().Add(w.Idle); d.IsZero() || idle.Before(d) {
			d = idle
		}
	}
	return d
}

// expiry returns a channel that receives a value at the time that due returns, or nil if w never gives up.
func (w *Waiter) expiry() <-chan time.Time {
	due := w.due()
	switch {
	case due.IsZero():
		return nil
	case w.timer == nil:
		w.timer = time.NewTimer(time.Until(due))
	default:
		w.timer.Reset(time.Until(due))
	}
	return w.timer.C
}

// stops reports whether b prevents w from reading.
func (w *Waiter) stops(b *Backlog) bool {
	return b != nil && (w.Sink == nil || w.Sink.Backlog() != b)
}

func (w *Waiter) cancelled() <-chan struct{} {
	if w.ctx == nil {
		return nil
	}
	return w.ctx.Done()
}

// waiterPool keeps Waiters that are not in use. Each Session has its own, since a timer may belong to a synctest bubble. Unlike a sync.Pool,
// it does not keep its Session in memory after the Session has ended.
type waiterPool struct {
	mu   sync.Mutex // guards the field below
	idle []*Waiter
}

// maxIdleWaiters is more than most programs have goroutines that wait for answers on one connection.
const maxIdleWaiters = 64

func (p *waiterPool) get() *Waiter {
	p.mu.Lock()
	last := len(p.idle) - 1
	if last < 0 {
		p.mu.Unlock()
		return new(Waiter)
	}
	w := p.idle[last]
	p.idle = p.idle[:last]
	p.mu.Unlock()
	return w
}

// put adds w, which keeps only its timer.
func (p *waiterPool) put(w *Waiter) {
	w.ctx, w.What, w.Wake, w.call = nil, "", nil, nil
	p.mu.Lock()
	if len(p.idle) < maxIdleWaiters {
		p.idle = append(p.idle, w)
	}
	p.mu.Unlock()
}
