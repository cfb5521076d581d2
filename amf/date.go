package amf

import (
	"math"
	"time"
)

// ECMAScript dates end 100 million days before and after 1970. These are the
// limits in milliseconds, and the years in which they fall.
const (
	maxDateMillis = 8.64e15
	minDateYear   = -271821
	maxDateYear   = 275760
)

// dateFromMillis converts milliseconds since 1970 to UTC time. A number that is
// not a date (NaN is ActionScript's invalid Date) becomes the zero time rather
// than an error: one odd member must not make the whole message unreadable.
func dateFromMillis(ms float64) time.Time {
	if !(math.Abs(ms) <= maxDateMillis) {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// dateToMillis converts a time to milliseconds since 1970, and drops fractions
// of a millisecond. ok is false for times outside the range of dates.
func dateToMillis(t time.Time) (ms float64, ok bool) {
	t = t.UTC()
	// The year is checked first, since UnixMilli is undefined for distant times.
	if y := t.Year(); y < minDateYear || y > maxDateYear {
		return 0, false
	}
	ms = float64(t.UnixMilli())
	return ms, math.Abs(ms) <= maxDateMillis
}
