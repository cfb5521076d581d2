package download

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-librtmp/rtmp"
)

// recoverable reports whether, and after how long, another connection is to be tried. failed is how many in a row have
// brought nothing.
func (d *download) recoverable(ctx context.Context, err error, failed int) (time.Duration, bool) {
	r := d.o.Recover
	if r == nil || ctx.Err() != nil {
		return 0, false
	}
	var refused *rtmp.StatusError
	var option *rtmp.OptionError
	switch {
	case errors.As(err, &refused), errors.As(err, &option), isWrite(err), errors.Is(err, ErrNoMatch):
		return 0, false
	case d.allCame(err):
		return 0, false
	case err == nil && (failed > 0 || d.target.live || d.reached() && len(d.ragged(true)) == 0): // the end, or an end twice at the same place
		return 0, false
	}
	limit, delay, longest := r.Attempts, r.Delay, r.MaxDelay
	if limit == 0 {
		limit = 8
	}
	if delay == 0 {
		delay = 500 * time.Millisecond
	}
	if longest == 0 {
		longest = 30 * time.Second
	}
	if failed >= limit {
		return 0, false
	}
	for range failed {
		delay = min(2*delay, longest)
	}
	return delay/2 + rand.N(delay), true // so that not all clients of a server come back at once
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("download: %w", context.Cause(ctx))
	}
}

func isWrite(err error) bool {
	var w *WriteError
	return errors.As(err, &w)
}
