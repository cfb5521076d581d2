package watch

import (
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/flv"
)

const (
	// stall is the longest acceptable pause beyond the usual time between messages. A longer one empties most players' buffers.
	stall = 500 * time.Millisecond
	// maxStalls bounds the stalls that are listed.
	maxStalls = 32
	// settled is the time after which the server has sent the media that it stores for new players.
	settled = time.Second
	// shortest is the time after settled that must pass before the pace is meaningful.
	shortest = 3 * time.Second
)

type clock struct {
	timeline    flv.Timeline
	begun       bool
	origin      time.Duration // media time of the first message
	newest      time.Duration // the greatest media time, without jumps
	steps       int           // how often newest has grown
	last        time.Duration // media time of the previous message
	arrival     time.Duration // arrival of the previous message, since the session began
	elapsed     time.Duration // real time since the first message
	burst       time.Duration // media beyond one second that arrived in the first second
	mark        time.Duration // newest at the end of the first second
	marked      time.Duration // elapsed at that point
	stalls      []report.Gap
	jumpedSince time.Duration // media time skipped by jumps
}

func (c *clock) arrived(elapsed, at time.Duration, timestamp uint32) {
	t := time.Duration(c.timeline.Unwrap(timestamp)) * time.Millisecond
	if !c.begun {
		c.begun, c.origin, c.newest, c.last, c.arrival = true, t, t, t, at
		return
	}
	if step := t - c.last; step > jump || step < -jump { // a jump does not count as media time
		c.jumpedSince += step
	}
	c.last = t
	if t -= c.jumpedSince; t > c.newest {
		c.newest = t
		c.steps++
	}
	if gap := at - c.arrival; c.stalled(gap) && len(c.stalls) < maxStalls {
		c.stalls = append(c.stalls, report.Gap{At: report.Duration(c.arrival), Took: report.Duration(gap)})
	}
	c.arrival, c.elapsed = at, elapsed
	if elapsed <= settled || c.marked == 0 {
		c.mark, c.marked = c.newest, elapsed
		c.burst = c.newest - c.origin - elapsed
	}
}

// stalled reports whether the stream has paused for too long. A stream of one picture per second is not stalled between two pictures.
func (c *clock) stalled(gap time.Duration) bool {
	if c.steps > 0 {
		gap -= (c.newest - c.origin) / time.Duration(c.steps)
	}
	return gap > stall
}

func (c *clock) report(m *report.Media, now time.Duration) {
	m.Burst = report.Duration(max(0, c.burst))
	m.Stalls = append([]report.Gap(nil), c.stalls...)
	if gap := now - c.arrival; c.stalled(gap) {
		m.Stalls = append(m.Stalls, report.Gap{At: report.Duration(c.arrival), Took: report.Duration(gap)})
	}
	if watched := c.elapsed - c.marked; watched >= shortest {
		m.Pace = float64(c.newest-c.mark) / float64(watched)
	}
}
