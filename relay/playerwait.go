package relay

import (
	"context"
	"fmt"
	"net"
	"slices"
)

type binding struct {
	ctx      context.Context
	released bool
}

// Bind makes ReadPacket, including a call in progress, return ctx's error once ctx is done, until release is called. No packet is lost.
// Only a connection that is still being made is closed.
func (p *Player) Bind(ctx context.Context) (release func()) {
	b := &binding{ctx: ctx}
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !b.released {
			p.bindings = append(p.bindings, b)
			p.endWaits()
		}
	})
	return func() {
		stop()
		p.mu.Lock()
		defer p.mu.Unlock()
		b.released = true
		p.bindings = slices.DeleteFunc(p.bindings, func(other *binding) bool { return other == b })
	}
}

// endWaits makes ReadPacket check its conditions again. The caller holds p.mu.
func (p *Player) endWaits() {
	if p.cancelWait != nil {
		p.cancelWait()
	}
}

// waiting returns the context for ReadPacket's waits, or the error that it must return.
func (p *Player) waiting() (context.Context, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return nil, p.err
	case len(p.bindings) > 0:
		return nil, fmt.Errorf("relay: read: %w", p.bindings[0].ctx.Err())
	}
	if p.waitCtx == nil || p.waitCtx.Err() != nil {
		p.waitCtx, p.cancelWait = context.WithCancel(context.Background())
		if p.link != nil {
			p.unbind()
			p.unbind = p.link.stream.Bind(p.waitCtx)
		}
	}
	return p.waitCtx, nil
}

// Close ends the Player and its connection. A ReadPacket in progress returns net.ErrClosed. Further calls do nothing.
func (p *Player) Close() error {
	p.mu.Lock()
	if p.err == nil {
		p.err = fmt.Errorf("relay: %w", net.ErrClosed)
	}
	p.endWaits()
	p.mu.Unlock()
	p.reading.Lock()
	defer p.reading.Unlock()
	if p.link != nil {
		p.link.close()
		p.link = nil
	}
	return nil
}
