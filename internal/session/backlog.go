package session

import (
	"fmt"
	"sync/atomic"
)

// Backlog is the back-pressure from a queue of received media with a limit. While the queue is full, only its consumer may read from the
// connection; all other waiters get ErrBacklog, and the standing reader waits.
type Backlog struct {
	all   *backlogs
	limit int
	what  func() string
}

// backlogs are the Backlogs of a Session.
type backlogs struct {
	full    atomic.Pointer[Backlog] // a Backlog that is full; nil if none is
	drained chan struct{}           // signalled when full is cleared
}

// NewBacklog returns the Backlog of a queue of limit bytes. what names the queue in errors.
func (a *backlogs) NewBacklog(limit int, what func() string) *Backlog {
	return &Backlog{all: a, limit: limit, what: what}
}

// Queued sets how many bytes are queued. When n exceeds the limit, other waiters stop reading; when n falls to half of the limit, they
// continue.
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
