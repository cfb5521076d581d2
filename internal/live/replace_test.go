package live_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

// fileSink is a Sink that stores what a player gets.
type fileSink struct{ got bytes.Buffer }

func (s *fileSink) TryWrite(b [][]byte) (ok, ready bool) { return s.Write(b) == nil, true }

func (s *fileSink) Write(b [][]byte) error {
	for _, part := range b {
		s.got.Write(part)
	}
	return nil
}

// TestPush checks that the player continues where the Subscriber has stopped. It must get every message once, as FLV, and must have the
// Subscriber's counters.
func TestPush(t *testing.T) {
	h := live.NewHub(live.Config{})
	defer h.Close()
	p, err := h.Publish("a", live.PublishOptions{Policy: live.Policy{Linger: -1}})
	require.NoError(t, err)
	sub, err := h.Subscribe("a", live.PlayOptions{})
	require.NoError(t, err)
	write := func(n int) { require.NoError(t, p.Write(key(uint32(40*n), n))) }
	write(0)
	fetched, err := sub.NextBatch(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, fetched, 1)
	write(1) // in the log when the player joins
	sink, ended := new(fileSink), make(chan error, 1)
	player, err := sub.Push(sink, func(err error) { ended <- err })
	require.NoError(t, err)
	assert.Equal(t, 1, p.Stats().Players)
	for n := 2; n < 100; n++ {
		write(n)
	}
	p.Close()
	require.NoError(t, <-ended)
	var tag flv.Tag
	var parser flv.Parser
	b, sum := sink.got.Bytes(), len(key(0, 0).Body)
	for n := 1; n < 100; n++ {
		used, ok, err := parser.Parse(b, &tag)
		require.NoError(t, err)
		require.True(t, ok)
		assert.Equal(t, key(uint32(40*n), n).Body, tag.Body)
		b, sum = b[used:], sum+len(tag.Body)
	}
	assert.Len(t, b, flv.PreviousTagSizeLen, "no more than the last back pointer")
	assert.EqualValues(t, sum, player.Stats().BytesOut)
	player.Close()
	_, err = sub.NextBatch(t.Context(), nil)
	assert.Equal(t, live.ErrClosed, err)
	_, err = sub.Push(sink, nil)
	assert.Equal(t, live.ErrClosed, err)
}

// TestPushAfterTheHub checks that Push fails after the hub was closed, and adds no player.
func TestPushAfterTheHub(t *testing.T) {
	h := live.NewHub(live.Config{})
	sub, err := h.Subscribe("a", live.PlayOptions{})
	require.NoError(t, err)
	h.Close()
	_, err = sub.Push(new(fileSink), func(error) { t.Error("told of the end") })
	assert.Equal(t, live.ErrClosed, err)
}
