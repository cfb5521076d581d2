package relay

import (
	"cmp"
	"time"

	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// Backoff controls how long to wait before connecting again: Min after the first failure, twice as long after each further failure, and at
// most Max. Each wait is randomly made shorter or longer by up to half, so that the clients of a server do not all reconnect at once.
type Backoff struct {
	Min, Max time.Duration // 0 means half a second for Min and half a minute for Max

	// Healthy is how long a connection must have worked for the next failure to count as the first one again. 0 means ten seconds.
	Healthy time.Duration
}

// failures counts consecutive failures.
type failures struct{ inARow int }

// healthy reports whether a connection has worked for long enough.
func (b Backoff) healthy(served time.Duration) bool {
	return served >= cmp.Or(b.Healthy, 10*time.Second)
}

// after resets the count if a connection that has ended was healthy.
func (f *failures) after(b Backoff, served time.Duration) {
	if b.healthy(served) {
		f.inARow = 0
	}
}

// wait counts a failure and returns how long to wait.
func (f *failures) wait(b Backoff) time.Duration {
	f.inARow++
	return reconnect.Delay(b.Min, b.Max, f.inARow-1)
}
