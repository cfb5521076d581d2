package watch

import (
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/flv"
)

const (
	// stall is how long nothing may come, where nothing is longer than that in the media: players have less in store.
	stall = 500 * time.Millisecond
	// maxStalls bounds the stalls that are kept.
	maxStalls = 32
	// settled is after what time what a server has in store for newcomers has come.
	settled = time.Second
	// shortest is how long media must come after that for its pace to mean something.
	shortest = 3 * time.Second
)

// clock compares the time of media with that of its arrival.
type clock struct {
	timeline    flv.Timeline
	begun       bool
	origin      time.Duration // media time of the first
	newest      time.Duration // the greatest so far, jumps left out
	last        time.Duration // that of the one before
	arrival     time.Duration // of the one before, since the session began
	elapsed     time.Duration // since the first
	burst       time.Duration // what came in the first second, beyond a second
	mark        time.Duration // newest at the end of the first second
	marked      time.Duration // elapsed then
	stalls      []report.Gap
	jumpedSince time.Duration // media time that jumps have skipped
}

func (c *clock) arrived(elapsed, at time.Duration, timestamp uint32) {
	t := time.Duration(c.timeline.Unwrap(timestamp)) * time.Millisecond
	if !c.begun {
		c.begun, c.origin, c.newest, c.last, c.arrival = true, t, t, t, at
		return
	}
	if step := t - c.last; step > jump || step < -jump { // a new line: none of it has taken time
		c.jumpedSince += step
	}
	c.last = t
	c.newest = max(c.newest, t-c.jumpedSince)
	if gap := at - c.arrival; gap > stall && len(c.stalls) < maxStalls {
		c.stalls = append(c.stalls, report.Gap{At: report.Duration(c.arrival), Took: report.Duration(gap)})
	}
	c.arrival, c.elapsed = at, elapsed
	if elapsed <= settled || c.marked == 0 {
		c.mark, c.marked = c.newest, elapsed
		c.burst = c.newest - c.origin - elapsed
	}
}

func (c *clock) report(m *report.Media, now time.Duration) {
	m.Burst = report.Duration(max(0, c.burst))
	m.Stalls = append([]report.Gap(nil), c.stalls...)
	if gap := now - c.arrival; gap > stall {
		m.Stalls = append(m.Stalls, report.Gap{At: report.Duration(c.arrival), Took: report.Duration(gap)})
	}
	if watched := c.elapsed - c.marked; watched >= shortest {
		m.Pace = float64(c.newest-c.mark) / float64(watched)
	}
}
