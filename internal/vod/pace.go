package vod

import "time"

// pacer says when a tag is due for a client that plays from a buffer.
type pacer struct {
	buffer time.Duration
	asFast bool

	begun  bool
	base   time.Time // when the client began to show the tag with the time zero
	zero   int64     // ms
	paused time.Time // since then the client's clock stands; zero: it runs
}

// wait returns how long it is until a tag with a time in ms is due, 0 if it is, Forever if the clock stands. The first tag starts the clock.
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

// restart makes the next tag the first.
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
