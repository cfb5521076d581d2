package server

import (
	"time"

	"github.com/go-librtmp/rtmp/internal/transport"
)

// While nobody watches a publisher, it is read only so often that each read brings many messages: reading one, with the wake-up before it,
// costs several times what the message costs.
const (
	gatherAfter = time.Second            // publishing for so long, since clients exchange commands at first
	gatherBytes = 48 << 10               // what one read is to bring; TCP's first window is larger
	gatherMost  = 100 * time.Millisecond // the longest pause
	gatherLeast = 10 * time.Millisecond  // the shortest worth making; pauses end at multiples of it, many together
)

// gatherer makes a connection's reads pause. Only the reader uses it.
type gatherer struct {
	lowWater func(bytes int) // see transport.LowWater; nil: not asked for yet
	timer    *time.Timer
	seen     uint64    // bytes received before the last read
	at       time.Time // of the last read
}

// gather comes before each read.
func (c *Conn) gather() {
	g, now := &c.gatherer, time.Now()
	pause := g.pause(now, c.core.Counters().BytesRead.Load())
	if pause <= 0 || !c.unwatched(now) {
		return
	}
	if g.lowWater == nil {
		if g.lowWater = transport.LowWater(c.nc); g.lowWater == nil {
			return // each message would wake the poller, so that little would be saved
		}
		g.timer = time.NewTimer(0)
	}
	g.lowWater(gatherBytes)
	g.timer.Reset(pause)
	select {
	case <-g.timer.C:
	case <-c.ctx.Done():
	}
	g.lowWater(1) // the read may have to wait for a single byte
}

// pause returns how long gatherBytes will take to arrive, within the limits, if bytes go on arriving as they did since the last read. A
// client that sends fast is not held up.
func (g *gatherer) pause(now time.Time, received uint64) time.Duration {
	got, took := received-g.seen, now.Sub(g.at)
	g.seen, g.at = received, now
	pause := gatherMost
	if got > 0 && took < gatherMost {
		pause = min(pause, took*gatherBytes/time.Duration(got))
	}
	return pause - time.Duration(now.Add(pause).UnixNano())%gatherLeast
}

// unwatched reports whether the client only publishes, streams that nobody but a recorder gets, and no hook looks at.
func (c *Conn) unwatched(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	publishes := false
	for _, st := range c.streams {
		p, ok := st.activity().(*publication)
		if !ok || now.Sub(p.since) < gatherAfter || p.app.Media != nil || p.app.Packet != nil || p.pub.Watched() {
			return false
		}
		publishes = true
	}
	return publishes
}
