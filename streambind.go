package rtmp

import (
	"context"
	"fmt"
	"slices"
)

// Bind makes reads and writes of s end with ctx's error once ctx is done, those under way included, until release is called. A
// read that ends so has lost nothing. A write that has begun ends the connection, unless it can be finished at once; one that has
// not begun leaves everything as it was. Of several Binds the first ctx that is done counts. Methods with a context of their own
// are not affected.
//
//	defer stream.Bind(ctx)()
//	_, err := io.Copy(file, stream)
func (s *Stream) Bind(ctx context.Context) (release func()) {
	b := &binding{ctx: ctx}
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		if !b.released {
			s.bindings = append(s.bindings, b)
		}
		s.mu.Unlock()
		s.rouse()
		s.rouseWriter()
	})
	return func() {
		stop()
		s.mu.Lock()
		defer s.mu.Unlock()
		b.released = true
		s.bindings = slices.DeleteFunc(s.bindings, func(other *binding) bool { return other == b })
	}
}

// binding is one Bind.
type binding struct {
	ctx      context.Context
	released bool // guarded by Stream.mu
}

// bound is the error of the first binding whose context is done, for what it ends. The caller holds s.mu.
func (s *Stream) bound(what string) error {
	if len(s.bindings) == 0 {
		return nil
	}
	return fmt.Errorf("rtmp: %s: %w", what, s.bindings[0].ctx.Err())
}
