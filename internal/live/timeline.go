package live

import (
	"math"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// timeline maps a publisher's timestamps to the time of the stream, which must not decrease when another publisher takes over. Both are in
// milliseconds. The stream's time may exceed 32 bits.
type timeline struct {
	line   flv.Timeline
	joined bool
	offset int64
	floor  int64 // the smallest time that may be returned

	last     int64         // time of the newest message of the previous publication
	lastCame time.Duration // arrival of that message
}

// firstTimeline returns the timeline of a stream's first publication.
func firstTimeline() timeline { return timeline{joined: true, floor: math.MinInt64} }

// at returns the stream's time for a message that arrives now. If it is the first message of this publication that is not a header, its
// distance from the last message of the previous publication is the real time that has passed.
func (l *timeline) at(timestamp uint32, header bool, now time.Duration) int64 {
	if l.joined {
		return max(l.floor, l.line.Unwrap(timestamp)+l.offset)
	}
	resumed := l.last + max(1, (now-l.lastCame).Milliseconds())
	if !header { // the timestamps of headers are arbitrary
		l.joined, l.floor = true, resumed
		l.offset = resumed - l.line.Unwrap(timestamp)
	}
	return resumed
}
