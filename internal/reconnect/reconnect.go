// Package reconnect helps programs that connect again when a connection is lost, or when the server asks them to (E-RTMP v2, Reconnect
// Request).
package reconnect

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"
)

// Delay returns how long to wait after a failure. failed is the number of consecutive failures before this one. The delay starts at first
// (0 means half a second), doubles with each failure up to longest (0 means half a minute), and varies randomly by up to half, so that the
// clients of a server do not all reconnect at once.
func Delay(first, longest time.Duration, failed int) time.Duration {
	delay := cmp.Or(first, 500*time.Millisecond)
	longest = cmp.Or(longest, 30*time.Second)
	for ; failed > 0 && delay < longest; failed-- {
		delay *= 2
	}
	delay = max(1, min(delay, longest))
	return delay/2 + rand.N(delay)
}

// Sleep waits for d. If ctx is done first, it returns the cause of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
