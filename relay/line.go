package relay

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

const (
	// maxBack is how far the time of a track may go back before that is taken for another line of time, ms. Encoders stumble.
	maxBack = 1000
	// maxAhead is by how much time that has passed in the stream may differ from what has passed here, ms: so much servers keep to
	// send at once, and networks hold back.
	maxAhead = 10_000
	// burst is how long after its beginning a connection may bring what the server had kept.
	burst = 3 * time.Second
)

// line makes one line of time, in milliseconds, out of those of many connections. It begins at 0.
type line struct {
	in    flv.Timeline // the stream's timestamps, over all connections: some servers go on counting
	shift int64        // from in to the line
	fresh bool         // nothing has come of this connection

	end  mark    // of everything, the furthest
	last [2]mark // of sound and pictures

	began mark  // this connection
	lead  int64 // by how much it is ahead of its beginning and the time since, because it began with what the server had kept
}

// mark is a place on the line, and when it was reached.
type mark struct {
	at  int64
	now time.Time // zero: not yet
}

// after is where the line is now, if it goes on like the clock.
func (m mark) after(now time.Time) int64 { return m.at + now.Sub(m.now).Milliseconds() }

// restart says that what comes is of a new connection.
func (l *line) restart() { l.fresh = true }

// frame returns the place of a frame. jump reports that the line goes on there for another reason than the frame's own time, or
// after a connection was lost, and gap how much is missing.
func (l *line) frame(picture bool, timestamp uint32, now time.Time) (at int64, gap time.Duration, jump bool) {
	raw := l.in.Unwrap(timestamp)
	track := &l.last[0]
	if picture {
		track = &l.last[1]
	}
	switch {
	case l.end.now.IsZero():
		l.shift = -raw
	case l.fresh:
		jump = true
		if expected := l.end.after(now) - l.lead; !l.goesOn(raw, expected) {
			l.shift = max(expected, l.end.at+1) - raw
		}
	case l.strange(raw+l.shift, track, now):
		jump = true
		l.shift = max(l.end.after(now), l.end.at+1) - raw
	}
	at = max(raw+l.shift, track.at) // 0 of the first of each track
	if jump {
		gap = time.Duration(max(0, at-l.end.at)) * time.Millisecond
	}
	l.mark(track, at, now)
	return at, gap, jump
}

// goesOn reports whether a new connection counts on from the one before.
func (l *line) goesOn(raw, expected int64) bool {
	at := raw + l.shift
	return at > l.end.at && expected-maxAhead <= at && at <= expected+maxAhead
}

// strange reports whether a frame can't be at that place, because its server has begun to count anew.
func (l *line) strange(at int64, track *mark, now time.Time) bool {
	before := *track
	if before.now.IsZero() {
		before = l.end
		before.at -= maxAhead // it may have begun much later, or earlier
	}
	return at < before.at-maxBack || at > before.after(now)+2*maxAhead
}

func (l *line) mark(track *mark, at int64, now time.Time) {
	*track = mark{at, now}
	if at >= l.end.at {
		l.end = *track
	}
	if l.fresh || l.began.now.IsZero() {
		l.fresh, l.began, l.lead = false, *track, 0
	}
	if now.Sub(l.began.now) < burst {
		l.lead = max(0, l.end.at-l.began.after(now))
	}
}
