package admission

import (
	"sync"
	"time"
)

// logEvery is the least time between two lines about refused connections.
const logEvery = time.Second

// Refusals counts refused connections, so that a flood of them does not flood the log. The zero value is ready to use, and Add may be
// called from any goroutine.
type Refusals struct {
	mu     sync.Mutex // guards the fields below
	logged time.Time  // when Add last returned a number
	since  int        // refusals since then
}

// Add counts a refusal. If a line of the log is due, Add returns the number of refusals that it covers, and otherwise 0.
func (r *Refusals) Add() (refused int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since++
	if now := time.Now(); r.logged.IsZero() || now.Sub(r.logged) >= logEvery {
		refused = r.since
		r.logged, r.since = now, 0
	}
	return refused
}
