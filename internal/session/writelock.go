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
	err := w.allow(p)
	if err != nil {
		w.release()
	}
	return err
}

// acquireNow takes the write lock if it is free and no bytes of earlier writes are left. It returns false if it has not taken the lock. It
// never takes the lock of a connection that is not a plain socket.
func (w *writer) acquireNow() bool {
	if !w.try.usable() || w.life.ending.Load() || w.stopped.Load() != nil || !w.tryLock() {
		return false
	}
	if w.err != nil || len(w.buf) > 0 || len(w.rest) > 0 {
		w.release()
		return false
	}
	return true
}

// allow returns an error if messages can't be encoded and written any more, and ends the Session if the reason is an earlier write of
// another caller. The caller holds the lock.
func (w *writer) allow(p purpose) error {
	if err := w.life.Err(); err != nil {
		return err
	}
	if err := w.stopped.Load(); err != nil {
		return *err
	}
	if _, err := p.limit(); err != nil {
		return err
	}
	if w.err != nil && !p.replies && !w.leaving.Load() {
		return w.fail(w.err)
	}
	return w.err
}

// stop makes later writes fail with err, and waits for the write in progress. It returns false if that write does not end within stopGrace,
// or if a write has failed.
func (w *writer) stop(err error) bool {
	if !w.stopped.CompareAndSwap(nil, &err) {
		return false
	}
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case w.lock <- struct{}{}:
		<-w.lock
		return true
	case <-timer.C:
		return false
	}
}

// finishReplies waits for the write in progress, for at most stopGrace, and sends the replies as far as the connection accepts them.
func (w *writer) finishReplies() {
	if w.stopped.Load() != nil { // a write has failed, and waits for the reader
		return
	}
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case w.lock <- struct{}{}:
		w.writeNow()
		<-w.lock
	case <-timer.C:
	}
}

// release releases the write lock, and sends the replies that were added while it was held.
func (w *writer) release() {
	<-w.lock
	w.FlushReplies()
}

// tryLock takes the write lock if it is free. It reports whether it has taken it.
func (w *writer) tryLock() bool {
	select {
	case w.lock <- struct{}{}:
		return true
	default:
		return false
	}
}

func (w *writer) waitForLock(p purpose) error {
	if w.tryLock() {
		return nil
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
