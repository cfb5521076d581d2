package stages

import (
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// Delays caused by delayed acknowledgements: 40 ms on Linux, up to 200 ms on other systems (RFC 1122 section 4.2.3.2 allows 500).
const (
	delayedACK     = 38 * time.Millisecond
	delayedACKMost = 60 * time.Millisecond
)

// trips counts how often the client has waited for the server.
type trips struct {
	connected bool
	network   report.Duration // round trip of the TCP connection
	waiting   bool            // a request is waiting for an answer
}

func (t *trips) asked() { t.waiting = true }

// answered records an answer and returns how many round trips it adds: 1, or 0 if no request was sent since the previous answer, as with
// pipelined requests.
func (t *trips) answered() int {
	if !t.waiting {
		return 0
	}
	t.waiting = false
	return 1
}

// slow reports whether the server may have waited for a delayed acknowledgement.
func (t *trips) slow(took report.Duration) bool {
	extra := time.Duration(took - t.network)
	return t.connected && time.Duration(t.network) < delayedACK && extra >= delayedACK && extra <= delayedACKMost
}

// count adds up the round trips after the server has agreed to play or publish.
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
				t.RTT = s.Took // a capture has no TCP events: use the fastest answer
			}
		}
		t.Count += s.Trips
	}
	// With pipelined commands there is one round trip for the handshake and one for all commands. With a pipelined handshake there is one
	// in total.
	t.Commands, t.Earliest = min(t.RTMP, 2), min(t.RTMP, 1)
	b.delayed()
}

func (b *Builder) delayed() {
	t := &b.report.Trips
	var before report.Duration // end of the previous stage
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
