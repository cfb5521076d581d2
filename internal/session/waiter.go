package session

import (
	"context"
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// Waiter waits for something that the peer will send.
type Waiter struct {
	What  string          // for the error text
	Idle  time.Duration   // for each read of the socket; 0: none
	Wake  <-chan struct{} // closed or signalled when it may have happened through another's reading
	Sink  Sink            // asked whether it has happened; nil: it has when Wake is closed
	Taker Taker           // takes sound and pictures without their being dispatched; nil: nobody does. Its Sink is there, too

	ctx      context.Context // nil: none
	deadline time.Time       // for the whole wait; zero: none
	packet   *message.Packet // takes the next message whole, instead of its being dispatched
}

// Sink is a Waiter's owner who takes media as it comes, such as a stream that is being read. All methods only look.
type Sink interface {
	Ready() bool         // there is something to return with
	Room() bool          // what has been received already is welcome, too
	Deadline() time.Time // when the owner gives up; zero: never
	Backlog() *Backlog   // the owner's own, which does not keep it from reading; may be nil
}

// Taker is a Sink that takes messages of its own stream by itself, many at a time. It is called by the goroutine that reads for it.
type Taker interface {
	Begin()                  // comes before Take: its owner may take a lock
	Take(m *Message) Verdict // m is sound or a picture
	Room() bool              // another may be welcome
	End() (ready bool)       // gives the lock back. ready is that of Sink
}

// Verdict is what a Taker does with a message.
type Verdict int

const (
	Declined Verdict = iota // it is to be dispatched
	Taken
	Later // it is to come again with the next Read; there is something to return with before
)

func (w *Waiter) ready() bool {
	switch {
	case w.packet != nil:
		return w.packet.Absolute // which every received packet is
	case w.Sink != nil:
		return w.Sink.Ready()
	}
	select {
	case <-w.Wake:
		return true
	default:
		return false
	}
}

// due is when w gives up if nothing arrives from now on.
func (w *Waiter) due() time.Time {
	d := w.deadline
	if w.Sink != nil {
		d = w.Sink.Deadline()
	}
	if w.Idle > 0 {
		if idle := time.Now().Add(w.Idle); d.IsZero() || idle.Before(d) {
			d = idle
		}
	}
	return d
}

// stops reports whether b keeps w from reading.
func (w *Waiter) stops(b *Backlog) bool {
	return b != nil && (w.Sink == nil || w.Sink.Backlog() != b)
}

func (w *Waiter) cancelled() <-chan struct{} {
	if w.ctx == nil {
		return nil
	}
	return w.ctx.Done()
}
