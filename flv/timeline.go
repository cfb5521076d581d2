package flv

// Timeline unwraps 32-bit timestamps, which wrap around after 49.7 days, to 64 bits. The zero value is ready to use.
type Timeline struct {
	now     int64
	started bool
}

// Unwrap returns the position of a timestamp in milliseconds: of all positions that it could mean, the one nearest to the previous
// position. So small steps backwards, as after a seek or between audio and video, stay small. The first position is the timestamp itself.
// Positions may become negative.
func (l *Timeline) Unwrap(timestamp uint32) int64 {
	if !l.started {
		l.started = true
		l.now = int64(timestamp)
		return l.now
	}
	l.now += int64(int32(timestamp - uint32(l.now)))
	return l.now
}

// Set sets the previous position, to begin in the middle of a file.
func (l *Timeline) Set(position int64) { l.now, l.started = position, true }
