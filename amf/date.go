package amf

import (
	"math"
	"time"
)

// ECMAScript dates end 100 million days before and after 1970; in milliseconds,
// and as the years that hold those days.
const (
	maxDateMillis = 8.64e15
	minDateYear   = -271821
	maxDateYear   = 275760
)

// dateFromMillis turns milliseconds since 1970 into UTC time. What is not a
// date (NaN is ActionScript's invalid Date) becomes the zero time rather than
// an error: one odd member must not cost the message.
func dateFromMillis(ms float64) time.Time {
	if !(math.Abs(ms) <= maxDateMillis) {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// dateToMillis is the reverse; what is finer than a millisecond is cut off. ok
// is false for times that no date can express.
func dateToMillis(t time.Time) (ms float64, ok bool) {
	t = t.UTC()
	// The year comes first: UnixMilli is undefined for times far outside.
	if y := t.Year(); y < minDateYear || y > maxDateYear {
		return 0, false
	}
	ms = float64(t.UnixMilli())
	return ms, math.Abs(ms) <= maxDateMillis
}
