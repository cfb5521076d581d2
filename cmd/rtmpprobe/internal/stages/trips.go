package stages

import (
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// What a delayed acknowledgement adds to a round trip: Linux waits 40 ms, others up to 200 ms (RFC 1122 section 4.2.3.2 allows 500).
const (
	delayedACK     = 38 * time.Millisecond
	delayedACKMost = 60 * time.Millisecond
)

// trips counts how often the client waited for the server.
type trips struct {
	connected bool
	network   report.Duration // the round trip of the TCP connection
	waiting   bool            // we have said something that wants an answer
}

// asked notes that something was sent that wants an answer.
func (t *trips) asked() { t.waiting = true }

// answered notes that the server said something to it, and returns how many round trips that was: 0 if what was asked together with
// something else has been answered before.
func (t *trips) answered() int {
	if !t.waiting {
		return 0
	}
	t.waiting = false
	return 1
}

// slow reports whether an answer was as late as a delayed acknowledgement makes it.
func (t *trips) slow(took report.Duration) bool {
	extra := time.Duration(took - t.network)
	return t.connected && time.Duration(t.network) < delayedACK && extra >= delayedACK && extra <= delayedACKMost
}

// count sums up the round trips once the server has agreed to play or publish.
func (b *Builder) count() {
	t := &b.report.Trips
	t.RTT = b.trips.network
	t.Count, t.RTMP = 0, 0
	for _, s := range b.report.Stages {
		switch s.Name {
		case "again":
			t.Count, t.RTMP = 0, 0
		case report.Handshake, report.Connect, report.CreateStream, report.Play, report.Publish:
			t.RTMP += s.Trips
			if !b.trips.connected && s.Trips > 0 && s.Took > 0 && (t.RTT == 0 || s.Took < t.RTT) {
				t.RTT = s.Took // a capture knows nothing of TCP: the fastest answer
			}
		}
		t.Count += s.Trips
	}
	// The handshake, and everything else together; or all of that at once.
	t.Commands, t.Earliest = min(t.RTMP, 2), min(t.RTMP, 1)
	b.delayed()
}

// delayed looks for what acknowledgements were waited for.
func (b *Builder) delayed() {
	t := &b.report.Trips
	var before report.Duration // when the stage before was over
	for _, s := range b.report.Stages {
		switch s.Name {
		case report.Connect, report.CreateStream, report.Play, report.Publish:
			if s.Trips > 0 && b.trips.slow(s.Took) {
				t.Slow = append(t.Slow, s.Name)
			}
			if pause := time.Duration(s.At - before); b.report.Capture && before > 0 && pause >= delayedACK && pause <= delayedACKMost {
				t.Late = append(t.Late, s.Name)
			}
			before = s.At + s.Took
		}
	}
}
