package session

import "time"

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
	if !w.try.usable() || w.life.ending.Load() || w.stopped.Load() != nil || !w.lock.try() {
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
	ended := w.lockWithin(stopGrace)
	if ended {
		w.lock.unlock()
	}
	return ended
}

// finishReplies waits for the write in progress, for at most stopGrace, and sends the replies as far as the connection accepts them.
func (w *writer) finishReplies() {
	w.readAll.Store(true)        // before stopped is read, so that a write that fails and the reader do not wait for each other
	if w.stopped.Load() != nil { // a write has failed, and waits for the reader
		return
	}
	if w.lockWithin(stopGrace) {
		w.writeNow()
		w.lock.unlock()
	}
}

// lockWithin takes the write lock, unless that takes longer than limit.
func (w *writer) lockWithin(limit time.Duration) bool {
	if w.lock.join() {
		return true
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-w.lock.passed:
		return true
	case <-timer.C:
		w.lock.leave()
		return false
	}
}

// release releases the write lock, and sends the replies that were added while it was held.
func (w *writer) release() {
	w.lock.unlock()
	w.FlushReplies()
}

func (w *writer) waitForLock(p purpose) error {
	if w.lock.join() {
		return nil
	}
	err := w.waitFor(p, w.lock.passed)
	if err != nil {
		w.lock.leave()
	}
	return err
}

// waitFor waits for an event within p's limit.
func (w *writer) waitFor(p purpose, event <-chan struct{}) error {
	var cancelled <-chan struct{}
	if p.ctx != nil {
		cancelled = p.ctx.Done()
	}
	for {
		deadline, err := p.limit()
		if err != nil {
			return err
		}
		var expired <-chan time.Time
		var wake <-chan struct{}
		if !deadline.IsZero() {
			timer := time.NewTimer(time.Until(deadline))
			defer timer.Stop()
			expired = timer.C
		}
		if p.who != nil {
			wake = p.who.WriteWake()
		}
		select {
		case <-event:
			return nil
		case <-cancelled: // p.limit returns the error
		case <-w.life.done:
			return w.life.Err()
		case <-expired:
			return &TimeoutError{What: "write"}
		case <-wake:
		}
	}
}
