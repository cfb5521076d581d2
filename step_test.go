package rtmp

import (
	"context"
	"errors"
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
				s := all.begin(t.Context(), limit)
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

func TestStepEndsWithItsParent(t *testing.T) {
	var all steps
	parent, cancel := context.WithCancelCause(t.Context())
	s := all.begin(parent, time.Minute)
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
		s := all.begin(sooner, time.Minute)
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
		all.begin(t.Context(), time.Second)
		all.end()
		s := all.begin(t.Context(), -1)
		time.Sleep(time.Hour)
		assert.NoError(t, s.Err())
		_, bounded := s.Deadline()
		assert.False(t, bounded)
		all.end()
	})
}

func TestStepsEndWithTheConn(t *testing.T) {
	var all steps
	s := all.begin(t.Context(), time.Minute)
	all.endAll()
	<-s.Done()
	assert.Equal(t, context.Canceled, s.Err())
	all.end()
	<-all.begin(t.Context(), time.Minute).Done()
}
