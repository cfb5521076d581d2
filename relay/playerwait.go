package relay

import (
	"context"
	"fmt"
	"net"
)

// Bind makes ReadPacket, including a call in progress, return ctx's error once ctx is done, until release is called. No packet is lost.
// Only a connection that is still being made is closed.
func (p *Player) Bind(ctx context.Context) (release func()) {
	return p.bindings.Bind(&p.mu, ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.bindings.Err() != nil { // otherwise release was called meanwhile, and a connection that is being made must not be closed
			p.endWaits()
		}
	})
}

// wake makes ReadPacket check its conditions again.
func (p *Player) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endWaits()
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
	if p.err != nil {
		return nil, p.err
	}
	if err := p.bindings.Err(); err != nil {
		return nil, fmt.Errorf("relay: read: %w", err)
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
	if p.successor != nil {
		if l, ok := p.successor.Take(); ok {
			l.close()
		}
		p.successor = nil
	}
	if p.link != nil {
		p.link.close()
		p.link = nil
	}
	p.leaving.Wait()
	return nil
}
