package vod

import "time"

// pacer computes when a tag must be sent to a client, which has a buffer.
type pacer struct {
	buffer time.Duration
	asFast bool

	begun  bool
	base   time.Time // when the client shows the tag whose time is zero
	zero   int64     // in ms
	paused time.Time // when the client's clock was stopped; zero if it is running
}

// wait returns how long it takes until the tag with the time tag, in ms, is due. It returns 0 if the tag is due now, and Forever if the
// client's clock is stopped. The first tag starts the clock.
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
