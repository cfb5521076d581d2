package session

import (
	"sync"
	"time"
)

// past is a deadline that makes a blocked read or write return at once.
var past = time.Unix(1, 0)

// deadline manages the socket's deadline for one direction, and knows the user of that direction, its holder. Setting the deadline often
// costs more than the operation, since the runtime's timers wake another thread. A deadline that is too early therefore stays in place, and
// an operation that ends too early is repeated after rearm. To interrupt the holder, the deadline is set in the past. A stray interrupt is
// harmless, since the next operation sets the deadline again.
type deadline struct {
	set func(time.Time) error // the socket's SetReadDeadline or SetWriteDeadline

	mu          sync.Mutex // guards the fields below; orders setting and interrupting
	armed       time.Time  // the last deadline set; zero means never
	holder      any        // the user of the direction; may be nil
	interrupted bool       // the holder was interrupted after it last checked its state
}

// hold makes who the holder; nil means that there is none. The new holder must check its state after the call.
func (d *deadline) hold(who any) {
	d.mu.Lock()
	d.holder, d.interrupted = who, false
	d.mu.Unlock()
}

// arm prepares an operation that must end at due; zero means no limit. It returns false if the holder has already been interrupted.
func (d *deadline) arm(due time.Time) bool {
	d.mu.Lock()
	if !due.IsZero() && (d.armed.IsZero() || due.Before(d.armed)) {
		d.move(due)
	}
	interrupted := d.interrupted
	d.mu.Unlock()
	return !interrupted
}

// rearm prepares to repeat an operation that has timed out. It returns false if the operation must not be repeated, since the holder was
// interrupted or due has passed.
func (d *deadline) rearm(due time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.interrupted || !due.IsZero() && !time.Now().Before(due) {
		return false
	}
	d.move(due)
	return true
}

// pause prepares a wait before an operation. The wait must end at due at the latest. The operation after the wait needs rearm. pause
// returns false if the holder has already been interrupted.
func (d *deadline) pause(due time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.interrupted {
		d.move(due)
	}
	return !d.interrupted
}

// takeInterrupt reports whether the holder was interrupted since the last call. The holder must check its state afterwards.
func (d *deadline) takeInterrupt() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	interrupted := d.interrupted
	d.interrupted = false
	return interrupted
}

// interrupt makes who check its state, if who is the holder. If who is nil, it interrupts any holder.
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
