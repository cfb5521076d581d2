package session

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBacklog checks that a queue beyond its limit stops the other waiters until the queue is half empty, and that only one queue at a time
// stops them.
func TestBacklog(t *testing.T) {
	r := &backlogs{drained: make(chan struct{}, 1)}
	one := r.NewBacklog(100, func() string { return "one" })
	other := r.NewBacklog(100, func() string { return "other" })
	one.Queued(100)
	require.NoError(t, r.Blocked())
	one.Queued(101)
	require.ErrorIs(t, r.Blocked(), ErrBacklog)
	other.Queued(101)
	other.Queued(0)
	require.EqualError(t, r.Blocked(), ErrBacklog.Error()+": one")
	one.Queued(51)
	require.Error(t, r.Blocked())
	require.Empty(t, r.drained)
	one.Queued(50)
	require.NoError(t, r.Blocked())
	require.Len(t, r.drained, 1)
}
