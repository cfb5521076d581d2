package watch

import (
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/flv"
)

// jump is the longest regular step between timestamps of a track. Players stall or skip at a longer one.
const jump = time.Second

type line struct {
	name                  string
	timeline              flv.Timeline
	begun                 bool
	last                  time.Duration
	frames                int
	span                  time.Duration // sum of the regular steps
	jumps, backs, repeats report.Moments
}

// add adds the timestamp of the next frame and returns it unwrapped.
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

// rate returns the frames per second without jumps, or 0 if there are too few frames.
func (l *line) rate() float64 {
	if l.frames < 2 || l.span <= 0 {
		return 0
	}
	return float64(l.frames-1) / l.span.Seconds()
}
