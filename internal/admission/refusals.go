package admission

import (
	"sync"
	"time"
)

// logEvery is the minimum time between two log lines about refused connections.
const logEvery = time.Second

// Refusals counts refused connections, so that a flood of connections does not flood the log. The zero value is ready to use. Add may be
// called from any goroutine.
type Refusals struct {
	mu     sync.Mutex // guards the fields below
	logged time.Time  // when Add last returned a number
	since  int        // refusals since then
}

// Add counts a refusal. If it is time for a log line, Add returns the number of refusals since the last line, and otherwise 0.
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
