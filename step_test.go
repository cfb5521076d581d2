package rtmp

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStepEndsWhenDue(t *testing.T) {
	for _, limit := range []time.Duration{time.Second, connectPatience, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var all steps
			began := time.Now()
			for range 2 { // the second step sets the timer again
				s := all.begin(t.Context(), limit, false)
				due, bounded := s.Deadline()
				assert.True(t, bounded)
				assert.Equal(t, limit, time.Until(due))
				<-s.Done()
				assert.Equal(t, context.DeadlineExceeded, s.Err())
				var timeout interface{ Timeout() bool }
				require.ErrorAs(t, s.failed(context.Canceled), &timeout)
				assert.True(t, timeout.Timeout())
				all.end()
			}
			assert.Equal(t, 2*limit, time.Since(began))
		})
	}
}

// TestDialContextSeesTheTimeout checks that a context derived from that of DialContext ends with DeadlineExceeded after Options.Timeout.
func TestDialContextSeesTheTimeout(t *testing.T) {
	for name, limit := range map[string]time.Duration{"timeout": time.Second, "context": time.Minute} {
		inBubble(t, name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var seen error
			_, err := Dial(ctx, "rtmp://h/a/p", &Options{Timeout: limit, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				<-ctx.Done()
				seen = ctx.Err()
				return nil, seen
			}})
			assert.Equal(t, context.DeadlineExceeded, seen)
			assert.Equal(t, limit == time.Second, errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
			assert.Equal(t, limit > time.Second, errors.Is(err, context.DeadlineExceeded), "%v", err)
		})
	}
}

func TestStepEndsWithItsParent(t *testing.T) {
	var all steps
	parent, cancel := context.WithCancelCause(t.Context())
	s := all.begin(parent, time.Minute, false)
	defer all.endAll()
	assert.NoError(t, s.Err())
	cancel(errors.New("a cause"))
	<-s.Done()
	assert.Equal(t, context.Canceled, s.Err())
	assert.Equal(t, context.Canceled, s.failed(errors.New("interrupted")))

	synctest.Test(t, func(t *testing.T) {
		sooner, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all steps
		s := all.begin(sooner, time.Minute, false)
		due, _ := s.Deadline()
		assert.Equal(t, time.Second, time.Until(due))
		<-s.Done()
		assert.Equal(t, context.DeadlineExceeded, s.failed(errors.New("interrupted")))
		all.endAll()
	})
}

func TestStepWithoutLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all steps
		all.begin(t.Context(), time.Second, false)
		all.end()
		s := all.begin(t.Context(), -1, false)
		time.Sleep(time.Hour)
		assert.NoError(t, s.Err())
		_, bounded := s.Deadline()
		assert.False(t, bounded)
		all.end()
	})
}

func TestStepsEndWithTheConn(t *testing.T) {
	var all steps
	s := all.begin(t.Context(), time.Minute, false)
	all.endAll()
	<-s.Done()
	assert.Equal(t, context.Canceled, s.Err())
	all.end()
	<-all.begin(t.Context(), time.Minute, false).Done()
}
