package session

import (
	"context"
	"fmt"
	"time"
)

// Writer is the origin of a write, such as a stream that publishes, and limits it.
type Writer interface {
	// WriteLimit returns the deadline, or zero if there is none. It returns an error if the write must end now.
	WriteLimit() (time.Time, error)
	// WriteWake returns a channel that is signalled when the result of WriteLimit may have changed. The owner then also calls
	// InterruptWrite.
	WriteWake() <-chan struct{}
}

// purpose says what may end a write early.
type purpose struct {
	ctx     context.Context // may be nil
	who     Writer          // may be nil
	began   time.Time       // when the write began, for writeGrace, which its pieces share; zero means that writer.write sets it
	replies bool            // the write contains only replies; if it fails, received messages can still be read
}

func (p purpose) limit() (time.Time, error) {
	switch {
	case p.ctx != nil && p.ctx.Err() != nil:
		return time.Time{}, fmt.Errorf("rtmp: write: %w", p.ctx.Err())
	case p.ctx != nil || p.who == nil:
		return time.Time{}, nil
	}
	return p.who.WriteLimit()
}

// until is a Writer with a deadline.
type until time.Time

func (u until) WriteLimit() (time.Time, error) { return time.Time(u), nil }

func (u until) WriteWake() <-chan struct{} { return nil }
