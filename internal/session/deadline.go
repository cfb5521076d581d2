package session

import (
	"sync"
	"time"
)

// past is a deadline that makes a blocked read or write return at once.
var past = time.Unix(1, 0)

// deadline is the socket's deadline in one direction, and the user of that direction. A deadline that is too early is not moved for
// each operation, since that costs more than many operations (the runtime's timers wake another thread). Instead, the operation that
// it ends is repeated after rearm. A deadline in the past interrupts the user. A stray interrupt is harmless: the next operation sets
// the deadline again.
type deadline struct {
	set func(time.Time) error // the socket's SetReadDeadline or SetWriteDeadline

	mu          sync.Mutex // guards the rest; orders setting and interrupting
	armed       time.Time  // as set last; zero: never
	holder      any        // the user of the direction; may be nil
	interrupted bool       // since the holder last checked its state
}

// hold makes who the holder; nil means none. The holder checks its state after that.
func (d *deadline) hold(who any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.holder, d.interrupted = who, false
}

// arm prepares an operation that ends at due; zero means never. It reports false if the holder was interrupted before.
func (d *deadline) arm(due time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !due.IsZero() && (d.armed.IsZero() || due.Before(d.armed)) {
		d.move(due)
	}
	return !d.interrupted
}

// rearm prepares to repeat an operation that the deadline has ended. It reports false if the end was intended: the holder was
// interrupted, or due has passed.
func (d *deadline) rearm(due time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.interrupted || !due.IsZero() && !time.Now().Before(due) {
		return false
	}
	d.move(due)
	return true
}

// looks reports once whether the holder was interrupted. The holder checks its state after that.
func (d *deadline) looks() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	interrupted := d.interrupted
	d.interrupted = false
	return interrupted
}

// interrupt makes who check its state, if it is the holder; nil means the holder, whoever it is.
func (d *deadline) interrupt(who any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.holder != nil && (who == nil || who == d.holder) {
		d.interrupted = true
		d.move(past)
	}
}

// move sets the socket's deadline. The caller holds d.mu.
func (d *deadline) move(t time.Time) {
	d.armed = t
	d.set(t)
}
