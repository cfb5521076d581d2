package relay

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	"github.com/go-librtmp/rtmp/internal/session"
)

// Player plays a live stream without end: it connects again whenever the connection is lost or the stream ends or falls silent. It returns
// the packets of one continuous stream: timestamps begin at 0 and never decrease within a track, headers are repeated only after a change,
// media is not repeated if a server begins a connection with what it has sent before, and all pictures can be decoded.
//
//	p := &relay.Player{URL: "rtmp://example.com/live/camera", OnEvent: func(e relay.Event) { log.Print(e) }}
//	defer p.Close()
//	r := media.NewReader(p) // or p.ReadPacket
//
// The fields must not be changed after the first use. Only one goroutine at a time may call ReadPacket; all may call the other methods. A
// Player connects, waits and reads while ReadPacket is called. It has goroutines of its own only while it moves to another server.
type Player struct {
	URL string // as for rtmp.New, including librtmp's options

	// Options are the options of the connections; nil means the defaults. The Player sets Live. A MediaTimeout of 0 means half a minute, a
	// negative one none. The Player follows requests to reconnect as FollowReconnect allows, for one connection, and then uses URL again. It
	// reads the old connection until the new one continues the stream at a key frame, so that nothing is missing.
	Options *rtmp.Options
	Backoff Backoff

	// OnEvent, if not nil, is called by ReadPacket with each Event. It must not call ReadPacket or Close.
	OnEvent func(Event)
	// GiveUp is called with the error of each connection that has ended or could not be made. If it returns true, the Player ends and
	// ReadPacket returns the error. Nil means that the Player never gives up. See [Denied].
	GiveUp func(error) bool

	reading   sync.Mutex     // held by ReadPacket; guards the fields up to mu; link is changed with mu held as well
	link      *link          // nil if there is no connection
	unbind    func()         // unbinds link's stream from waitCtx
	successor *successor     // nil if the server has not asked to reconnect
	leaving   sync.WaitGroup // goroutines that close links from which the stream has moved to the successor
	next      endpoint       // the endpoint of link or of the next connection; zero means URL
	dialAt    time.Time      // when to connect
	failures  failures
	frames    frames

	mu         sync.Mutex // guards the rest
	err        error      // final
	bindings   session.Bindings
	waitCtx    context.Context
	cancelWait context.CancelFunc // cancels waitCtx
	stats      PlayerStats
}

// ReadPacket reads the next audio, video or data message, and reuses the memory of pkt.Body. It waits without limit; use [Player.Bind] to
// bound the wait. It returns an error if the URL or an option is invalid or GiveUp has returned true, net.ErrClosed after Close, and the
// error of a context passed to Bind when that is done.
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
		p.follow()
		switch err := p.link.read(pkt); {
		case err == nil:
			if p.accept(pkt) {
				return nil
			}
		case ctx.Err() == nil || p.link.ctx.Err() != nil:
			p.failed(p.link.fail(err))
		}
	}
}

func (p *Player) connect(ctx context.Context) error {
	if p.next.url == "" {
		p.next = p.endpoint()
		if err := p.next.check(); err != nil {
			return err
		}
	}
	if err := reconnect.Sleep(ctx, time.Until(p.dialAt)); err != nil {
		return err
	}
	p.report(Event{Kind: Connecting})
	l, err := open(context.Background(), ctx, p.next, nil, p.wake)
	if err != nil {
		return err
	}
	p.use(l)
	return nil
}

// use makes l the Player's link.
func (p *Player) use(l *link) {
	l.onRequest(p.wake)
	p.next = l.endpoint
	p.frames.restart(l.first, time.Now())
	p.mu.Lock()
	p.link, p.unbind = l, l.stream.Bind(p.waitCtx)
	p.stats.Connections++
	p.mu.Unlock()
	p.report(Event{Kind: Connected})
}

// lost is called when the link has ended or could not be made.
func (p *Player) lost() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil {
		p.unbind()
		p.link = nil
	}
	p.stats.Failures++
}

// endpoint returns the endpoint in URL and Options.
func (p *Player) endpoint() endpoint {
	to := endpoint{url: p.URL}
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

// failed decides when and where to connect after the link has ended with err or could not be made.
func (p *Player) failed(err error) {
	e := Event{Kind: kindOf(err), Err: err}
	uptime, silent := p.frames.uptime()
	if p.link == nil {
		uptime = 0
	} else if silent && errors.Is(err, os.ErrDeadlineExceeded) { // usually the stream has no publisher yet
		e.Kind = Unpublished
	}
	p.lost()
	if p.takeSuccessor() {
		return
	}
	p.failures.ended(p.Backoff, uptime)
	e.URL, e.Wait = p.next.String(), p.failures.add(p.Backoff)
	p.next, p.dialAt = endpoint{}, time.Now().Add(e.Wait)
	var move *reconnect.Moved
	final := false
	if errors.As(err, &move) {
		p.next = endpointOf(move)
		e = Event{Kind: Moved, URL: p.next.String(), Wait: e.Wait}
	} else if final = isSettingsError(err) || p.GiveUp != nil && p.GiveUp(err); final {
		e.Wait = 0
	}
	p.mu.Lock()
	if final && p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
	p.call(e)
}

// accept makes the packet part of the Player's stream, and reports whether ReadPacket returns it.
func (p *Player) accept(pkt *rtmp.Packet) bool {
	outcome := p.frames.accept(pkt, time.Now())
	p.mu.Lock()
	s := &p.stats
	s.Received++
	switch outcome.action {
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
		p.report(Event{Kind: Playing})
	}
	if outcome.jump {
		p.report(Event{Kind: Gap, Gap: outcome.gap})
	}
	return outcome.action == delivered
}

func (p *Player) report(e Event) {
	e.URL = p.next.String()
	p.call(e)
}

func (p *Player) call(e Event) {
	if p.OnEvent != nil {
		p.OnEvent(e)
	}
}

// PlayerStats are the counters of a Player. Received is Delivered + Repeated + Skipped.
type PlayerStats struct {
	Connections uint64 // connections on which the server has accepted the stream
	Failures    uint64 // connections that have ended or could not be made

	Received  uint64 // messages of the stream
	Delivered uint64 // returned by ReadPacket
	Repeated  uint64 // headers that had not changed, and stored media that a server has sent again at the beginning of a connection
	Skipped   uint64 // pictures before a connection's first key frame, and messages about the connection

	Gaps     uint64        // Gap events
	Missing  time.Duration // total known length of the gaps
	Position time.Duration // timestamp of the latest packet
}

// Stats returns the counters.
func (p *Player) Stats() PlayerStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}
