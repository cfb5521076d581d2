package server

import (
	"time"

	"github.com/go-librtmp/rtmp/internal/transport"
)

// While a publisher has no players, the server reads from it less often, so that each read returns many messages. A read and the wake-up
// before it cost several times as much as serving a message.
const (
	gatherAfter  = time.Second            // time after publish in which reads do not pause, since clients still exchange commands
	gatherBytes  = 48 << 10               // bytes that one read should return
	gatherEnough = 256 << 10              // number of bytes whose arrival ends a pause early
	gatherMost   = 100 * time.Millisecond // longest pause
	gatherLeast  = 10 * time.Millisecond  // shortest useful pause; pauses end at multiples of this time, so that many end together
)

// gatherer delays the reads of a connection. Only the reader uses it.
type gatherer struct {
	lowWater transport.LowWater // nil until the first pause
	seen     uint64             // bytes received before the last read
	at       time.Time          // time of the last read
	woken    bool               // the last pause has ended early, perhaps because the client has closed the connection
}

// reading is called before each read, as long as it returns true.
func (d *dispatcher) reading() bool {
	d.gather()
	return true
}

// gather waits if the next read should be delayed.
func (d *dispatcher) gather() {
	g, now := &d.gatherer, time.Now()
	pause := g.pause(now, d.session.Counters().BytesRead.Load())
	if woken := g.woken; woken || pause <= 0 || !d.unwatched(now) {
		if g.woken = false; g.lowWater != nil {
			g.lowWater.Clear()
		}
		return
	}
	if g.lowWater == nil {
		if g.lowWater = transport.NewLowWater(d.nc); g.lowWater == nil {
			return // without a low-water mark each message would wake the poller, and a pause would save little
		}
	}
	d.session.Pause(now.Add(pause), func() { g.woken = g.lowWater.Wait(gatherEnough) })
}

// pause returns how long the next read should wait: until gatherBytes have arrived, at the bit rate since the last read, but at most
// gatherMost. It returns 0 or less if the wait would be too short, as with clients that send fast.
func (g *gatherer) pause(now time.Time, received uint64) time.Duration {
	got, took := received-g.seen, now.Sub(g.at)
	g.seen, g.at = received, now
	pause := gatherMost
	if got > 0 && took < gatherMost {
		pause = min(pause, took*gatherBytes/time.Duration(got))
	}
	return pause - time.Duration(now.Add(pause).UnixNano())%gatherLeast
}

// unwatched reports whether delays do not matter: the client only publishes, its application has neither a Media nor a Packet hook, and
// only recorders read its streams.
func (d *dispatcher) unwatched(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	publishes := false
	for _, st := range d.streams {
		p, ok := st.activity().(*publication)
		if !ok || st.ingest() == nil || now.Sub(p.since) < gatherAfter || p.app.Media != nil || p.app.Packet != nil || p.pub.Watched() {
			return false
		}
		publishes = true
	}
	return publishes
}
