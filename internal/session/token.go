package session

import "sync/atomic"

// token is the right to read the socket. It could be a channel with one slot. But if no goroutine waits, a channel costs several times as
// much, about as much as reading a small message.
type token struct {
	taken    atomic.Bool
	waiting  atomic.Int32  // goroutines that call take, and call it again when released is signalled
	released chan struct{} // one slot; signalled when the token is given back while a goroutine waits
}

func (t *token) init() { t.released = make(chan struct{}, 1) }

// take takes the token if it is free, and reports whether it has done so.
func (t *token) take() bool { return t.taken.CompareAndSwap(false, true) }

func (t *token) give() {
	t.taken.Store(false)
	if t.waiting.Load() > 0 {
		Signal(t.released)
	}
}

// awaited reports whether a goroutine is waiting for the token.
func (t *token) awaited() bool { return t.waiting.Load() > 0 }
