package relay

import (
	"cmp"
	"time"

	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// Backoff controls how long to wait before connecting again: Min after the first failure, twice as long after each further failure, at most
// Max. Each wait varies randomly by up to half, so that the clients of a server do not all reconnect at once.
type Backoff struct {
	Min, Max time.Duration // 0 means half a second for Min and half a minute for Max

	// Healthy is how long a connection must last for the next failure to count as the first again. 0 means ten seconds.
	Healthy time.Duration
}

type failures struct{ count int }

func (b Backoff) healthy(uptime time.Duration) bool {
	return uptime >= cmp.Or(b.Healthy, 10*time.Second)
}

// ended resets the count if the connection that has ended was healthy.
func (f *failures) ended(b Backoff, uptime time.Duration) {
	if b.healthy(uptime) {
		f.count = 0
	}
}

// add counts a failure, and returns how long to wait before the next attempt.
func (f *failures) add(b Backoff) (wait time.Duration) {
	f.count++
	return reconnect.Delay(b.Min, b.Max, f.count-1)
}
