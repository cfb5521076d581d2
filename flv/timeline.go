package flv

// Timeline unwraps timestamps, which wrap around after 49.7 days, into a line of 64 bits. The zero value is ready to use.
type Timeline struct {
	now     int64
	started bool
}

// Unwrap returns the position of a timestamp in milliseconds. Of all positions that it can mean, the one nearest to the
// position before is taken, so small steps backwards, as after a seek or between audio and video, stay small. The first
// timestamp is its own position. Positions are negative if the time goes back below zero from there.
func (l *Timeline) Unwrap(timestamp uint32) int64 {
	if !l.started {
		l.started = true
		l.now = int64(timestamp)
		return l.now
	}
	l.now += int64(int32(timestamp - uint32(l.now)))
	return l.now
}

// Set makes a position the one before, for a Timeline that begins in the middle of a file.
func (l *Timeline) Set(position int64) { l.now, l.started = position, true }
