package watch

import (
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/flv"
)

// jump is how far timestamps of one track may step forward: beyond that players stall or skip.
const jump = time.Second

// line is the timestamps of one track.
type line struct {
	name                  string
	timeline              flv.Timeline
	begun                 bool
	last                  time.Duration
	frames                int
	span                  time.Duration // of the steps that are sound
	jumps, backs, repeats report.Moments
}

// add takes the next frame's timestamp, and returns it unwrapped.
func (l *line) add(at time.Duration, timestamp uint32) time.Duration {
	t := time.Duration(l.timeline.Unwrap(timestamp)) * time.Millisecond
	if !l.begun {
		l.begun, l.last, l.frames = true, t, 1
		return t
	}
	moment := report.Moments{At: report.Duration(at), Track: l.name, From: report.Duration(l.last), To: report.Duration(t)}
	switch step := t - l.last; {
	case step < 0:
		l.backs.Add(moment)
	case step > jump:
		l.jumps.Add(moment)
	case step == 0:
		l.repeats.Add(moment)
		l.frames++
	default:
		l.span += step
		l.frames++
	}
	l.last = t
	return t
}

// rate is how many frames there are in a second, jumps left out; 0: too few to tell.
func (l *line) rate() float64 {
	if l.frames < 2 || l.span <= 0 {
		return 0
	}
	return float64(l.frames-1) / l.span.Seconds()
}
