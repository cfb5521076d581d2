package relay

import (
	"cmp"
	"time"

	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// Backoff says how long to wait before a connection is tried again: Min after the first failure, twice as long after each further
// one, Max at most; by chance up to half less or more, so that not all clients of a server come back at once.
type Backoff struct {
	Min, Max time.Duration // 0: half a second, half a minute

	// Healthy is how long a connection must have served for its loss to be a first failure again. 0: ten seconds.
	Healthy time.Duration
}

// failures counts how many there were in a row.
type failures struct{ inARow int }

// healthy reports whether a connection has served for long enough.
func (b Backoff) healthy(served time.Duration) bool {
	return served >= cmp.Or(b.Healthy, 10*time.Second)
}

// after begins anew if a connection has served for so long as to be healthy.
func (f *failures) after(b Backoff, served time.Duration) {
	if b.healthy(served) {
		f.inARow = 0
	}
}

// wait counts a failure, and returns how long to wait after it.
func (f *failures) wait(b Backoff) time.Duration {
	f.inARow++
	return reconnect.Delay(b.Min, b.Max, f.inARow-1)
}
