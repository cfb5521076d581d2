package server

import (
	"time"

	"github.com/go-librtmp/rtmp/internal/transport"
)

// While a publisher has no players, the server reads from it less often, so that each read returns many messages: a read and the wake-up
// before it cost several times as much as serving a message.
const (
	gatherAfter = time.Second            // time after publish in which reads do not pause, since clients exchange commands then
	gatherBytes = 48 << 10               // bytes that one read should return
	gatherMark  = 256 << 10              // bytes that end a pause at once
	gatherMost  = 100 * time.Millisecond // longest pause
	gatherLeast = 10 * time.Millisecond  // shortest useful pause; pauses end at multiples of it, so that many end together
)

// gatherer delays the reads of a connection. Only the reader uses it.
type gatherer struct {
	mark  transport.LowWater // nil until the first pause
	seen  uint64             // bytes received before the last read
	at    time.Time          // time of the last read
	woken bool               // the last pause has ended early, perhaps because the client has closed the connection
}

// gather is called before each read, and waits if the read should be delayed.
func (d *dispatcher) gather() {
	g, now := &d.gatherer, time.Now()
	pause := g.pause(now, d.session.Counters().BytesRead.Load())
	if woken := g.woken; woken || pause <= 0 || !d.unwatched(now) {
		if g.woken = false; g.mark != nil {
			g.mark.Clear()
		}
		return
	}
	if g.mark == nil {
		if g.mark = transport.NewLowWater(d.nc); g.mark == nil {
			return // without a low-water mark each message would wake the poller, so a pause would save little
		}
	}
	d.session.Pause(now.Add(pause), func() { g.woken = g.mark.Wait(gatherMark) })
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
		if !ok || st.ingest() == nil || now.Sub(p.since) < gatherAfter || p.app.Media != nil || p.app.Packet != nil || p.pub.Watched() {
			return false
		}
		publishes = true
	}
	return publishes
}
