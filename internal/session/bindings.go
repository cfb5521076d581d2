package session

import (
	"context"
	"slices"
	"sync"
)

// Bindings are the contexts that end operations on a stream early, since its reads and writes take no context. A mutex of the owner guards
// them.
type Bindings struct {
	done []*binding // bindings whose contexts are done, in that order
}

type binding struct {
	ctx      context.Context
	released bool
}

// Bind makes Err return ctx's error once ctx is done, until release is called. It calls wake at that time, without mu, and possibly after
// release. mu is the mutex that guards b.
func (b *Bindings) Bind(mu sync.Locker, ctx context.Context, wake func()) (release func()) {
	one := &binding{ctx: ctx}
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		if !one.released {
			b.done = append(b.done, one)
		}
		mu.Unlock()
		wake()
	})
	return func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		one.released = true
		b.done = slices.DeleteFunc(b.done, func(other *binding) bool { return other == one })
	}
}

// Err returns the error of the context that was done first, or nil if none is done. The caller holds the mutex.
func (b *Bindings) Err() error {
	if len(b.done) == 0 {
		return nil
	}
	return b.done[0].ctx.Err()
}
