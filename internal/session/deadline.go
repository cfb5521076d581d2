package session

import (
	"sync"
	"time"
)

// past is a deadline that makes a blocked read or write return at once.
var past = time.Unix(1, 0)

// deadline is the socket's deadline in one direction, together with who uses that direction. A deadline that would end an
// operation too early stays: moving it for each one costs more than many an operation (the runtime's timers wake another
// thread). The operation that it ends is repeated after rearm. So a deadline in the past can serve to interrupt. A stray
// interrupt is harmless: the next operation sets the deadline anew.
type deadline struct {
	set func(time.Time) error // the socket's SetReadDeadline or SetWriteDeadline

	mu          sync.Mutex // guards the rest; orders setting and interrupting
	armed       time.Time  // as set last; zero: never
	holder      any        // who uses the direction; nil: nobody
	interrupted bool       // since the holder last looked at its state
}

// hold makes who the one that uses the direction; nil: nobody does. It looks at its state after that.
func (d *deadline) hold(who any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.holder, d.interrupted = who, false
}

// arm prepares an operation that is to end at due, zero: never. It reports false if the holder was interrupted before.
func (d *deadline) arm(due time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !due.IsZero() && (d.armed.IsZero() || due.Before(d.armed)) {
		d.move(due)
	}
	return !d.interrupted
}

// rearm prepares an operation anew that the deadline has ended. It reports false when that was meant: the holder was
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

// looks reports whether the holder was interrupted, once. Its state is looked at after that.
func (d *deadline) looks() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	interrupted := d.interrupted
	d.interrupted = false
	return interrupted
}

// interrupt makes who, if it is the holder, look at its state.
func (d *deadline) interrupt(who any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.holder == who {
		d.interrupted = true
		d.move(past)
	}
}

// move sets the socket's deadline. The caller holds d.mu.
func (d *deadline) move(t time.Time) {
	d.armed = t
	d.set(t)
}
