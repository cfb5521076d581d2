package relay

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// Player plays a stream for ever: it connects again whenever the connection is lost, the stream ends or falls silent. Whoever
// reads its packets sees one stream: with one line of time that begins at 0 and does not go back, headers that come again only when
// they have changed, and pictures that can be decoded.
//
//	p := &relay.Player{URL: "rtmp://example.com/live/camera", OnEvent: func(e relay.Event) { log.Print(e) }}
//	defer p.Close()
//	r := media.NewReader(p) // or p.ReadPacket
//
// The fields are not to be changed once it is used. One goroutine at a time reads it, every other method may be called from any
// goroutine. It has no goroutine of its own: it connects, waits and reads while ReadPacket is called.
type Player struct {
	URL string // as rtmp.New takes it, options included

	// Options are the connections'; nil: the defaults. Live is set; MediaTimeout's 0 is half a minute here, a negative one none.
	// Requests of the server to reconnect are followed as FollowReconnect allows: for one connection, after which it is URL again.
	Options *rtmp.Options
	Backoff Backoff

	// OnEvent is told what happens, within ReadPacket. It may not call ReadPacket or Close. nil: nobody is told.
	OnEvent func(Event)
	// GiveUp reports whether an error that has ended a connection, or with which none came about, ends the Player: ReadPacket then
	// returns it. nil: none does. See [Denied].
	GiveUp func(error) bool

	reading sync.Mutex // held by ReadPacket: guards the next few, but link is changed with mu held, too
	link    *link      // nil: there is none
	unbind  func()     // of link's stream, from waits
	next    place      // zero: URL
	due     time.Time  // when to connect
	tries   failures
	frames  frames

	mu        sync.Mutex // guards the rest
	err       error      // for ever
	bindings  []*binding // whose contexts are done
	waits     context.Context
	interrupt context.CancelFunc // ends waits
	stats     PlayerStats
}

// ReadPacket reads the next audio, video or data message; pkt.Body is reused. It waits for as long as that takes, see
// [Player.Bind]. The error is one of a URL or option that can't be, one that GiveUp has accepted, net.ErrClosed after Close, or a
// Bind's.
func (p *Player) ReadPacket(pkt *rtmp.Packet) error {
	p.reading.Lock()
	defer p.reading.Unlock()
	for {
		ctx, err := p.waiting()
		if err != nil {
			return err
		}
		if p.link == nil {
			if err := p.connect(ctx); err != nil && ctx.Err() == nil {
				p.failed(err)
			}
			continue
		}
		switch err := p.link.stream.ReadPacket(pkt); {
		case err == nil:
			if p.take(pkt) {
				return nil
			}
		case ctx.Err() == nil || p.link.ctx.Err() != nil:
			p.failed(p.link.lost(err))
		}
	}
}

// connect waits until it is time, and connects.
func (p *Player) connect(ctx context.Context) error {
	if p.next.url == "" {
		p.next = p.place()
		if err := p.next.check(); err != nil {
			return err
		}
	}
	if err := reconnect.Sleep(ctx, time.Until(p.due)); err != nil {
		return err
	}
	p.tell(Event{Kind: Connecting})
	l, err := open(context.Background(), ctx, p.next, nil)
	if err != nil {
		return err
	}
	p.unbind = l.stream.Bind(ctx)
	p.frames.restart()
	p.mu.Lock()
	p.link = l
	p.stats.Connections++
	p.mu.Unlock()
	p.tell(Event{Kind: Connected})
	return nil
}

// place is where the program wants to play.
func (p *Player) place() place {
	to := place{url: p.URL}
	if p.Options != nil {
		to.options = *p.Options
	}
	o := &to.options
	o.Live = true
	switch {
	case o.MediaTimeout == 0:
		o.MediaTimeout = 30 * time.Second
	case o.MediaTimeout < 0:
		o.MediaTimeout = 0
	}
	return to
}

// failed ends the link, if there is one, and says when and where to connect after err.
func (p *Player) failed(err error) {
	e := Event{Kind: kindOf(err), Err: err}
	served, silent := p.frames.played()
	if p.link == nil {
		served = 0
	} else if silent && errors.Is(err, os.ErrDeadlineExceeded) { // a server that waits for a publisher, as a rule
		e.Kind = Unpublished
	}
	p.tries.after(p.Backoff, served)
	e.URL, e.Wait = p.next.String(), p.tries.wait(p.Backoff)
	p.next, p.due = place{}, time.Now().Add(e.Wait)
	var move *moved
	final := false
	if errors.As(err, &move) {
		p.next = move.to
		e = Event{Kind: Moved, URL: p.next.String(), Wait: e.Wait}
	} else if final = hopeless(err) || p.GiveUp != nil && p.GiveUp(err); final {
		e.Wait = 0
	}
	p.mu.Lock()
	p.link = nil
	p.stats.Failures++
	if final && p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
	p.told(e)
}

// take makes the packet one of the Player's stream. It reports whether it is to be given out.
func (p *Player) take(pkt *rtmp.Packet) bool {
	outcome := p.frames.take(pkt, time.Now())
	p.mu.Lock()
	s := &p.stats
	s.Received++
	switch outcome.what {
	case repeated:
		s.Repeated++
	case skipped:
		s.Skipped++
	default:
		s.Delivered++
		s.Position = time.Duration(p.frames.line.end.at) * time.Millisecond
	}
	if outcome.jump {
		s.Gaps++
		s.Missing += outcome.gap
	}
	p.mu.Unlock()
	if outcome.first {
		p.tell(Event{Kind: Playing})
	}
	if outcome.jump {
		p.tell(Event{Kind: Gap, Gap: outcome.gap})
	}
	return outcome.what == delivered
}

// tell tells of something at the present place.
func (p *Player) tell(e Event) {
	e.URL = p.next.String()
	p.told(e)
}

func (p *Player) told(e Event) {
	if p.OnEvent != nil {
		p.OnEvent(e)
	}
}

// PlayerStats count what a Player has done. Received is Delivered + Repeated + Skipped.
type PlayerStats struct {
	Connections uint64 // on which the stream was asked for, and the server has agreed
	Failures    uint64 // connections that have ended, or did not come about

	Received  uint64 // messages of the stream
	Delivered uint64 // those that ReadPacket has returned
	Repeated  uint64 // headers that were known
	Skipped   uint64 // pictures at the beginning of a connection that can't be decoded, and what servers say of the connection

	Gaps     uint64        // where something may be missing, see [Gap]
	Missing  time.Duration // how much in all, as far as that can be told
	Position time.Duration // how far the line of time has come
}

// Stats returns the counters.
func (p *Player) Stats() PlayerStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}
