package session

import (
	"fmt"
	"time"
)

// acquire takes the write lock. It returns an error if the Session has ended or p's limit has passed. Messages must be encoded only with
// the lock held, since every encoded message must be written.
func (w *writer) acquire(p purpose) error {
	if _, err := p.limit(); err != nil {
		return err
	}
	if err := w.waitForLock(p); err != nil {
		return err
	}
	err := w.usable(p)
	if err != nil {
		w.release()
	}
	return err
}

// acquireNow takes the write lock if it is free and no bytes of earlier writes are left. It returns false if it has not taken the lock. It
// never takes the lock of a connection that is not a plain socket.
func (w *writer) acquireNow() bool {
	if !w.try.usable() || w.life.ending.Load() {
		return false
	}
	select {
	case w.lock <- struct{}{}:
	default:
		return false
	}
	if w.err != nil || len(w.buf) > 0 || len(w.rest) > 0 {
		w.release()
		return false
	}
	return true
}

// usable returns an error if messages can no longer be encoded and written. The caller holds the lock.
func (w *writer) usable(p purpose) error {
	if err := w.life.Err(); err != nil {
		return err
	}
	if _, err := p.limit(); err != nil {
		return err
	}
	if w.err != nil && !p.replies && !w.leaving.Load() {
		return w.life.Fail(w.err)
	}
	return w.err
}

// release releases the write lock, and sends the replies that were added while it was held.
func (w *writer) release() {
	<-w.lock
	w.FlushReplies()
}

func (w *writer) waitForLock(p purpose) error {
	select {
	case w.lock <- struct{}{}:
		return nil
	default:
	}
	if p.ctx == nil {
		return w.waitFor(p.who, w.lock, nil)
	}
	select {
	case w.lock <- struct{}{}:
		return nil
	case <-p.ctx.Done():
		return fmt.Errorf("rtmp: write: %w", p.ctx.Err())
	case <-w.life.done:
		return w.life.Err()
	}
}

// waitFor waits for the lock or for an event, within the limit of who. Either lock or event is nil. If who is nil, there is no limit.
func (w *writer) waitFor(who Writer, lock chan<- struct{}, event <-chan struct{}) error {
	for {
		var expired <-chan time.Time
		var wake <-chan struct{}
		if who != nil {
			deadline, err := who.WriteLimit()
			if err != nil {
				return err
			}
			if !deadline.IsZero() {
				timer := time.NewTimer(time.Until(deadline))
				defer timer.Stop()
				expired = timer.C
			}
			wake = who.WriteWake()
		}
		select {
		case lock <- struct{}{}:
			return nil
		case <-event:
			return nil
		case <-w.life.done:
			return w.life.Err()
		case <-expired:
			return &TimeoutError{What: "write"}
		case <-wake:
		}
	}
}
