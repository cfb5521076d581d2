package live

import (
	"math"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// timeline joins a publisher's timestamps to the time of its stream, so that it does not run back when the publisher changes. Both
// are in milliseconds, the stream's beyond 32 bits.
type timeline struct {
	line   flv.Timeline
	joined bool
	offset int64
	floor  int64 // nothing is earlier

	last     int64         // the time of the newest message of the publication before,
	lastCame time.Duration // and when that came
}

// firstTimeline is for a stream that has no time yet.
func firstTimeline() timeline { return timeline{joined: true, floor: math.MinInt64} }

// at is the stream's time for a message that has come now. The first message that is not a header comes after the last one of the
// publication before by as much as has really passed.
func (l *timeline) at(timestamp uint32, header bool, now time.Duration) int64 {
	if l.joined {
		return max(l.floor, l.line.Unwrap(timestamp)+l.offset)
	}
	resumed := l.last + max(1, (now-l.lastCame).Milliseconds())
	if !header { // whose timestamps may be anything
		l.joined, l.floor = true, resumed
		l.offset = resumed - l.line.Unwrap(timestamp)
	}
	return resumed
}
