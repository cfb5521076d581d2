package download

import "time"

const (
	// leadWindow is how long a lead counts, so that the difference between the publisher's clock and ours does not add up.
	leadWindow = 10 * time.Second
	// burst is how long a server may take to send stored media at the beginning of a session.
	burst = 3 * time.Second
)

// lead measures how far a live stream is ahead of the clock: the largest value of recent messages, since a network delays the others.
type lead struct {
	began    time.Time // of the current window; zero if there is none
	now, old uint32    // of the current and the previous window, in ms; only differences have a meaning
}

// add is called when the message with time at has arrived.
func (l *lead) add(at uint32, arrived time.Duration, now time.Time) {
	ahead := at - uint32(arrived.Milliseconds())
	switch {
	case l.began.IsZero():
		*l = lead{now, ahead, ahead}
	case now.Sub(l.began) >= leadWindow:
		*l = lead{now, ahead, l.now}
	case int32(ahead-l.now) > 0:
		l.now = ahead
	}
}

func (l *lead) max() uint32 {
	if int32(l.old-l.now) > 0 {
		return l.old
	}
	return l.now
}

// contentJoint is a place where a live stream was joined by its content. Streams that repeat themselves, such as test patterns, also match
// if media is missing. It is then missing in the time of the stream, too, so the clock is asked: after the joint, the stream must not be further
// behind the clock than before. Less than the period can't be missing; it is the delay of another server.
type contentJoint struct {
	splice int // index in Result.Splices
	at     time.Time
	before uint32        // lead before the joint
	period time.Duration // if the stream repeats itself, the period is longer than this
}

// joined is called when a session has continued the file.
func (d *download) joined(p *plan) {
	if !d.target.options.Live {
		return
	}
	before, period := d.lead.max(), p.period
	if d.joint != nil { // too early to judge the last joint: judge both together
		before, period = d.joint.before, min(period, d.joint.period)
	}
	if d.joint = nil; p.byContent && !d.lead.began.IsZero() {
		d.joint = &contentJoint{len(d.result.Splices) - 1, time.Now(), before, period}
	}
	d.lead = lead{}
}

// measure is called after a message of a live stream was written.
func (d *download) measure(at uint32) {
	now := time.Now()
	d.lastWrite = now
	d.lead.add(at, now.Sub(d.pace.first.time), now)
	if d.joint != nil && now.Sub(d.joint.at) >= burst {
		d.judgeJoint()
	}
}

// judgeJoint records a gap if the stream is further behind the clock than before the last joint.
func (d *download) judgeJoint() {
	j := d.joint
	if d.joint = nil; j == nil || d.lead.began.IsZero() {
		return
	}
	if behind := time.Duration(int32(j.before-d.lead.max())) * time.Millisecond; behind > max(tolerance, j.period) {
		s := &d.result.Splices[j.splice]
		s.Gap = max(s.Gap, behind)
		d.log.Warn("download: the stream is behind the clock since it was continued", "gap", behind)
	}
}
