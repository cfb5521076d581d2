package relay

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// successor is the next link of a Player whose server has asked to reconnect.
type successor struct {
	*reconnect.Successor[*link]
	begun atomic.Pointer[[]rtmp.Packet] // the first packets of the link; nil unless the stream can be continued with it
}

// silence is how long a link of which the server has asked to reconnect may deliver nothing while the next one can play.
const silence = 500 * time.Millisecond

// follow makes the next link if the server of the present one has asked to reconnect, and changes to that link when it continues what was
// delivered, or the present one is silent. It changes at the latest when the next link has played for the time of burst: then the two servers
// have different streams, or the present one is far behind.
func (p *Player) follow() {
	if p.successor == nil {
		move := p.link.request()
		if move == nil {
			return
		}
		uptime, _ := p.frames.uptime()
		p.failures.ended(p.Backoff, uptime)
		wait := p.failures.add(p.Backoff)
		p.successor = p.succeed(wait)
		p.call(Event{Kind: Moved, URL: endpointOf(move).String(), Wait: wait})
	}
	first := p.successor.begun.Load()
	if first == nil {
		return
	}
	now := time.Now()
	if _, _, known := p.frames.known(*first, now); !known && !p.successor.Ready() && now.Sub(p.frames.line.end.now) < silence {
		return
	}
	old := p.link
	if p.takeSuccessor() {
		p.leaving.Go(func() { old.close() }) // in a goroutine, since it may wait for the server
	}
}

// succeed begins to connect, after wait, to the server to which that of p.link has asked to reconnect.
func (p *Player) succeed(wait time.Duration) *successor {
	s, video := new(successor), p.frames.video
	s.Successor = p.link.succeed(context.Background(), wait, p.Backoff, func(ctx context.Context, to endpoint) (*link, error) {
		beginning, stop := context.WithCancel(ctx)
		defer stop()
		l, err := open(context.Background(), ctx, to, nil, stop)
		if err != nil {
			return nil, err
		}
		switch err := l.begin(beginning, video); {
		case err == nil:
			first := l.first
			s.begun.Store(&first)
			for range burst / silence {
				p.wake()
				if err := l.collect(ctx, silence); err != nil { // the present link may last
					s.begun.Store(nil)
					return nil, l.fail(err)
				}
			}
		case ctx.Err() == nil || l.conn.Err() != nil:
			return nil, l.fail(err)
		} // otherwise the Player has no other link
		return l, nil
	}, p.wake)
	return s
}

// takeSuccessor ends the successor, if there is one, and reports whether the Player continues with its link.
func (p *Player) takeSuccessor() bool {
	if p.successor == nil {
		return false
	}
	l, ok := p.successor.Take()
	if p.successor = nil; ok {
		if p.link != nil {
			p.lost()
		}
		p.use(l)
	}
	return ok
}
