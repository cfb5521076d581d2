package amf

import (
	"math"
	"time"
)

// These are the limits of ECMAScript dates, 100 million days before and after 1970, as milliseconds and as years.
const (
	maxDateMillis = 8.64e15
	minDateYear   = -271821
	maxDateYear   = 275760
)

// dateFromMillis converts milliseconds since 1970. A number that is not a date, such as NaN, ActionScript's invalid Date,
// becomes the zero time: one odd member must not make the whole message unreadable.
func dateFromMillis(ms float64) time.Time {
	if !(math.Abs(ms) <= maxDateMillis) {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

// dateToMillis converts t to milliseconds since 1970, rounded down. ok is false outside the range of dates.
func dateToMillis(t time.Time) (ms float64, ok bool) {
	t = t.UTC()
	// UnixMilli is undefined for distant times.
	if y := t.Year(); y < minDateYear || y > maxDateYear {
		return 0, false
	}
	ms = float64(t.UnixMilli())
	return ms, math.Abs(ms) <= maxDateMillis
}
