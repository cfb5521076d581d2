package session

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// standing is the standing reader. It reads while no other waiter reads, so that pings and calls are always answered. It is a waiter
// without a deadline, and gives way only to calls that take precedence.
type standing struct {
	reader  *reader
	waiter  Waiter
	started atomic.Bool

	mu      sync.Mutex // guards the fields below
	claims  int        // number of calls that take precedence
	unclaim chan struct{}
}

func (s *standing) init(r *reader) {
	s.reader = r
	s.waiter = Waiter{What: "background read", Sink: s}
}

// StartStanding starts the standing reader, once.
func (r *reader) StartStanding() {
	if !r.standing.started.Swap(true) {
		r.life.Own(r.standing.read)
	}
}

// claim prevents the standing reader from reading until release is called.
func (s *standing) claim() {
	s.mu.Lock()
	if s.claims++; s.claims == 1 {
		s.unclaim = make(chan struct{})
	}
	s.mu.Unlock()
	s.reader.Interrupt(&s.waiter)
}

func (s *standing) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims--; s.claims == 0 {
		close(s.unclaim)
	}
}

// claimed returns nil if no call takes precedence now. Otherwise it returns a channel that is closed when no call takes precedence any
// more.
func (s *standing) claimed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims == 0 {
		return nil
	}
	return s.unclaim
}

// standing also implements Sink, for a waiter that receives no media.

func (s *standing) Ready() bool         { return s.claimed() != nil }
func (s *standing) Room() bool          { return false }
func (s *standing) Deadline() time.Time { return time.Time{} }
func (s *standing) Backlog() *Backlog   { return nil }

func (s *standing) read() {
	for s.reader.life.Err() == nil {
		if claimed := s.claimed(); claimed != nil {
			s.pause(claimed)
		} else if errors.Is(s.reader.Read(&s.waiter), ErrBacklog) {
			s.pause(s.reader.drained)
		}
	}
}

// pause waits for an event, or until the Session has ended. It is separate from read to keep read's frame small, which is on the stack of
// every connection.
func (s *standing) pause(event <-chan struct{}) {
	select {
	case <-event:
	case <-s.reader.life.done:
	}
}

// Serve runs the standing reader on the caller's goroutine until the Session ends. If the standing reader is already running, Serve returns
// at once. While a connection is idle, the Go runtime halves the 8 KiB of its goroutine's stack if less than 1,248 bytes are in use. So only
// a few functions lie between Serve and the read of the socket, and their frames are small.
func (r *reader) Serve() {
	if !r.standing.started.Swap(true) {
		r.standing.read()
	}
}
