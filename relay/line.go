package relay

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

const (
	// maxBack is how far the timestamps of a track may step back, in ms, since some encoders send such timestamps. After a larger step back,
	// the timestamps have restarted.
	maxBack = 1000
	// maxAhead is how much elapsed stream time may differ from elapsed real time, in ms, because servers send stored media at once and
	// networks delay media.
	maxAhead = 10_000
	// burst is how long a server may take to send stored media at the beginning of a connection.
	burst = 3 * time.Second
)

// line maps the timestamps of many connections to continuous time in milliseconds, from 0 on.
type line struct {
	in    flv.Timeline // timeline of the stream's timestamps; kept across connections, since some servers continue to count
	shift int64        // added to positions of in
	fresh bool         // no frame of this connection has arrived

	end    mark // the latest position of all tracks
	tracks map[trackID]*track
	joined time.Time // when join was called; zero if it was not for this connection

	began mark  // beginning of this connection
	lead  int64 // how far the connection is ahead of real time because it began with stored media, in ms
}

type trackID struct {
	video bool
	id    uint8
}

type track struct {
	mark        // the latest position
	joined bool // the connection has passed the position at which the track was before join
}

// mark is a position in the stream and the time at which the stream reached it.
type mark struct {
	at  int64
	now time.Time // zero if it has not been reached
}

// expected returns the position at now if the stream has advanced in real time since the mark.
func (m mark) expected(now time.Time) int64 { return m.at + now.Sub(m.now).Milliseconds() }

func (l *line) restart() { l.fresh, l.joined = true, time.Time{} }

// join begins a connection with a frame that has already had a position. It repeats all tracks from there to their latest positions.
func (l *line) join(timestamp uint32, at int64, now time.Time) {
	l.shift = at - l.in.Unwrap(timestamp)
	l.fresh, l.joined = false, now
	for _, t := range l.tracks {
		t.joined = false
	}
}

// repeats reports whether a frame, after join, has already had a position.
func (l *line) repeats(id trackID, timestamp uint32) bool {
	t := l.tracks[id]
	if l.joined.IsZero() || t == nil || t.joined {
		return false
	}
	t.joined = l.in.Unwrap(timestamp)+l.shift > t.at
	return !t.joined
}

// frame returns the position of a frame. jump reports whether the frame is the first after a reconnection, or shift had to be changed. If so,
// gap is the time that is missing before the frame.
func (l *line) frame(id trackID, timestamp uint32, now time.Time) (at int64, gap time.Duration, jump bool) {
	raw := l.in.Unwrap(timestamp)
	t := l.tracks[id]
	if t == nil {
		if l.tracks == nil {
			l.tracks = make(map[trackID]*track)
		}
		t = new(track)
		l.tracks[id] = t
	}
	switch {
	case l.end.now.IsZero():
		l.shift = -raw
	case l.fresh:
		jump = true
		if expected := l.expected(now); !l.continues(raw, expected) {
			l.shift = max(expected, l.end.at+1) - raw
		}
	case l.restarted(raw+l.shift, t.mark, now):
		jump = true
		l.shift = max(l.end.expected(now), l.end.at+1) - raw
	}
	at = max(raw+l.shift, t.at) // t.at is 0 for the first frame of a track
	if jump {
		gap = time.Duration(max(0, at-l.end.at)) * time.Millisecond
	}
	l.mark(&t.mark, at, now)
	return at, gap, jump
}

// expected returns the position at which a new connection should begin if it does not begin with stored media.
func (l *line) expected(now time.Time) int64 { return l.end.expected(now) - l.lead }

// continues reports whether the timestamps of a new connection continue those of the previous connection.
func (l *line) continues(raw, expected int64) bool {
	at := raw + l.shift
	return at > l.end.at && expected-maxAhead <= at && at <= expected+maxAhead
}

// restarted reports whether a position is so far from the expected one that the server must have restarted its timestamps.
func (l *line) restarted(at int64, before mark, now time.Time) bool {
	if before.now.IsZero() {
		before = l.end
		before.at -= maxAhead // a track may begin much earlier or later than the others
	}
	return at < before.at-maxBack || at > before.expected(now)+2*maxAhead
}

func (l *line) mark(m *mark, at int64, now time.Time) {
	*m = mark{at, now}
	if at >= l.end.at {
		l.end = *m
	}
	if l.fresh || l.began.now.IsZero() {
		l.fresh, l.began, l.lead = false, *m, 0
	}
	if now.Sub(l.began.now) < burst {
		l.lead = max(0, l.end.at-l.began.expected(now))
	}
}
