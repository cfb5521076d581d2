package live_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/live"
)

// TestAside checks that a Subscriber with Aside neither counts as a player nor keeps a stream alive.
func TestAside(t *testing.T) {
	h := live.NewHub(live.Config{})
	defer h.Close()
	p, err := h.Publish("a", live.PublishOptions{})
	require.NoError(t, err)
	assert.False(t, p.Watched())
	sub, err := h.Subscribe("a", live.PlayOptions{Aside: true})
	require.NoError(t, err)
	defer sub.Close()
	assert.False(t, p.Watched())
	assert.Zero(t, p.Stats().Players)
	require.NoError(t, p.Write(key(0, 100)))
	p.Close()
	_, err = sub.Next(t.Context())
	require.NoError(t, err)
	_, err = sub.Next(t.Context())
	assert.Equal(t, io.EOF, err, "it does not linger for it")
}

// TestRest checks that the log keeps no messages for a Subscriber after Rest, and that the Subscriber still counts as a player.
func TestRest(t *testing.T) {
	h := live.NewHub(live.Config{})
	defer h.Close()
	p, err := h.Publish("a", live.PublishOptions{})
	require.NoError(t, err)
	sub, err := h.Subscribe("a", live.PlayOptions{})
	require.NoError(t, err)
	defer sub.Close()
	sub.Rest()
	for range 10 {
		require.NoError(t, p.Write(key(0, 100)))
	}
	assert.True(t, p.Watched())
	one := p.Stats().Backlog
	require.NoError(t, p.Write(key(0, 100)))
	assert.Equal(t, one, p.Stats().Backlog, "the newest key frame alone")
	sub.Count(100, 2)
	assert.EqualValues(t, 100, p.Stats().BytesOut)
	assert.EqualValues(t, 2, p.Stats().Missed)
	assert.EqualValues(t, 2, sub.Missed())
}

// TestRestKeepsNothing checks that Rest also releases the messages that were fetched from the log but not yet returned by Next.
func TestRestKeepsNothing(t *testing.T) {
	h := live.NewHub(live.Config{})
	defer h.Close()
	p, err := h.Publish("a", live.PublishOptions{})
	require.NoError(t, err)
	write(t, p, key(0, 100), frame(40, 100))
	sub, err := h.Subscribe("a", live.PlayOptions{})
	require.NoError(t, err)
	defer sub.Close()
	_, err = sub.Next(t.Context())
	require.NoError(t, err)
	sub.Rest()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sub.Next(ctx)
	assert.ErrorIs(t, err, context.Canceled)
}
