package session

import (
	"fmt"
	"sync/atomic"
)

// Backlog applies back-pressure when a queue of received media is full. Until the queue is half empty, only its consumer may read from the
// connection: all other waiters get ErrBacklog, and the standing reader waits.
type Backlog struct {
	all   *backlogs
	limit int
	what  func() string
}

// backlogs knows which Backlog of a Session is full.
type backlogs struct {
	full    atomic.Pointer[Backlog] // a Backlog that is full; nil if none is
	drained chan struct{}           // signalled when full is cleared
}

// NewBacklog returns a Backlog for a queue that is full beyond limit bytes. what returns the name of the queue, for errors.
func (a *backlogs) NewBacklog(limit int, what func() string) *Backlog {
	return &Backlog{all: a, limit: limit, what: what}
}

// Queued reports that n bytes are queued now. If n exceeds the limit, other waiters stop reading. When n has fallen to half of the limit,
// they continue.
func (b *Backlog) Queued(n int) {
	full := &b.all.full
	switch {
	case n > b.limit:
		full.CompareAndSwap(nil, b)
	case n <= b.limit/2 && full.Load() == b && full.CompareAndSwap(b, nil):
		Signal(b.all.drained)
	}
}

// Blocked returns ErrBacklog if a queue is full, and otherwise nil.
func (a *backlogs) Blocked() error {
	if b := a.full.Load(); b != nil {
		return b.err()
	}
	return nil
}

func (b *Backlog) err() error { return fmt.Errorf("%w: %s", ErrBacklog, b.what()) }
