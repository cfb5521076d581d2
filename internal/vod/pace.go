package vod

import "time"

// pacer computes when a tag is due for a client with a buffer.
type pacer struct {
	buffer time.Duration
	asFast bool

	begun  bool
	base   time.Time // when the client began to show the tag with timestamp zero
	zero   int64     // in ms
	paused time.Time // when the client's clock was stopped; zero if it is running
}

// wait returns the time until a tag is due: 0 if it is due, Forever if the clock is stopped. tag is its time in ms.
// The first tag starts the clock.
func (p *pacer) wait(now time.Time, tag int64) time.Duration {
	switch {
	case p.stands():
		return Forever
	case p.asFast:
		return 0
	case !p.begun:
		p.begun, p.base, p.zero = true, now, tag
	}
	shown := now.Sub(p.base)
	return max(0, time.Duration(tag-p.zero)*time.Millisecond-p.buffer-shown)
}

func (p *pacer) stands() bool { return !p.paused.IsZero() }

// restart makes the next tag start the clock again.
func (p *pacer) restart() { p.begun = false }

func (p *pacer) pause(now time.Time) {
	if !p.stands() {
		p.paused = now
	}
}

func (p *pacer) resume(now time.Time) {
	if !p.stands() {
		return
	}
	p.base = p.base.Add(now.Sub(p.paused))
	p.paused = time.Time{}
}
