package session

import "fmt"

// Backlog is back-pressure from a queue of received media that has a limit. While the queue is full, only its consumer may read; all
// other waiters get ErrBacklog, and the standing reader waits.
type Backlog struct {
	reader *reader
	limit  int
	what   func() string
}

// NewBacklog returns the Backlog of a queue of limit bytes. what names the queue in errors.
func (r *reader) NewBacklog(limit int, what func() string) *Backlog {
	return &Backlog{reader: r, limit: limit, what: what}
}

// Queued sets how many bytes are queued. Beyond the limit other waiters stop reading; at half of it they go on.
func (b *Backlog) Queued(n int) {
	full := &b.reader.full
	switch {
	case n > b.limit:
		full.CompareAndSwap(nil, b)
	case n <= b.limit/2 && full.Load() == b && full.CompareAndSwap(b, nil):
		signal(b.reader.drained)
	}
}

// Blocked returns ErrBacklog while a queue is full, and otherwise nil.
func (r *reader) Blocked() error {
	if b := r.full.Load(); b != nil {
		return b.err()
	}
	return nil
}

func (b *Backlog) err() error { return fmt.Errorf("%w: %s", ErrBacklog, b.what()) }

// signal leaves a signal in a channel of one slot.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
