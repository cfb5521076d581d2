package server

import (
	"time"

	"github.com/go-librtmp/rtmp/internal/transport"
)

// While a publisher has no players, the server reads from it less often, so that each read returns many messages: a read and the wake-up
// before it cost several times as much as serving a message.
const (
	gatherAfter = time.Second            // time after publish in which reads do not pause, since clients exchange commands then
	gatherBytes = 48 << 10               // bytes that one read should return; TCP's first window is larger
	gatherMost  = 100 * time.Millisecond // longest pause
	gatherLeast = 10 * time.Millisecond  // shortest useful pause; pauses end at multiples of it, so that many end together
)

// gatherer delays the reads of a connection. Only the reader uses it.
type gatherer struct {
	lowWater func(bytes int) // see transport.LowWater; nil until the first pause
	timer    *time.Timer
	seen     uint64    // bytes received before the last read
	at       time.Time // time of the last read
}

// gather is called before each read, and waits if the read should be delayed.
func (d *dispatcher) gather() {
	g, now := &d.gatherer, time.Now()
	pause := g.pause(now, d.session.Counters().BytesRead.Load())
	if pause <= 0 || !d.unwatched(now) {
		return
	}
	if g.lowWater == nil {
		if g.lowWater = transport.LowWater(d.nc); g.lowWater == nil {
			return // without a low-water mark each message would wake the poller, so a pause would save little
		}
		g.timer = time.NewTimer(0)
	}
	g.lowWater(gatherBytes)
	g.timer.Reset(pause)
	select {
	case <-g.timer.C:
	case <-d.ctx.Done():
	}
	g.lowWater(1) // the next read must return even if only one byte arrives
}

// pause returns how long gatherBytes will take to arrive at the bit rate since the last read, limited to gatherLeast and gatherMost. The
// reads of a client that sends fast do not pause.
func (g *gatherer) pause(now time.Time, received uint64) time.Duration {
	got, took := received-g.seen, now.Sub(g.at)
	g.seen, g.at = received, now
	pause := gatherMost
	if got > 0 && took < gatherMost {
		pause = min(pause, took*gatherBytes/time.Duration(got))
	}
	return pause - time.Duration(now.Add(pause).UnixNano())%gatherLeast
}

// unwatched reports whether the client only publishes, its application has neither a Media nor a Packet hook, and only recorders read
// its streams.
func (d *dispatcher) unwatched(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	publishes := false
	for _, st := range d.streams {
		p, ok := st.activity().(*publication)
		if !ok || now.Sub(p.since) < gatherAfter || p.app.Media != nil || p.app.Packet != nil || p.pub.Watched() {
			return false
		}
		publishes = true
	}
	return publishes
}
