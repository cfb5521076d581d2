package session

import "sync/atomic"

// token is the right to read the socket. A channel with one slot would also work. But when no goroutine waits, a channel costs several
// times as much, about as much as reading a small message.
type token struct {
	taken   atomic.Bool
	waiting atomic.Int32  // goroutines that call take now, and again whenever given is signalled
	given   chan struct{} // one slot, signalled when the token is given back while a goroutine waits
}

func (t *token) init() { t.given = make(chan struct{}, 1) }

// take takes the token if it is free. It reports whether it has taken it.
func (t *token) take() bool { return t.taken.CompareAndSwap(false, true) }

func (t *token) give() {
	t.taken.Store(false)
	if t.waiting.Load() > 0 {
		Signal(t.given)
	}
}

// awaited reports whether a goroutine is waiting for the token.
func (t *token) awaited() bool { return t.waiting.Load() > 0 }
