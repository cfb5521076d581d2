package rtmp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

func TestTimesInStats(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		for range 2 {
			p.Expect("go on")
			p.Media(message.TypeAudio, 0, []byte("sound"))
		}
		p.UntilGone()
	})
	began := time.Now()
	c, s := playing(t, url, nil)
	connected := time.Now()
	ctx := conntest.Context(t)
	stats := c.Stats()
	assert.Positive(t, stats.RTT)
	assert.LessOrEqual(t, stats.RTT, time.Since(began))
	assert.Zero(t, stats.FirstMedia)
	assert.True(t, stats.LastMedia.IsZero())

	var p Packet
	asked := time.Now()
	_, err := c.Call(ctx, "go on")
	require.NoError(t, err)
	require.NoError(t, s.ReadPacket(&p))
	first := c.Stats()
	assert.GreaterOrEqual(t, first.FirstMedia, asked.Sub(connected))
	assert.LessOrEqual(t, first.FirstMedia, time.Since(began))
	assert.WithinRange(t, first.LastMedia, asked.Round(0), time.Now().Round(0))
	assert.Equal(t, stats.RTT, first.RTT)

	_, err = c.Call(ctx, "go on")
	require.NoError(t, err)
	require.NoError(t, s.ReadPacket(&p))
	second := c.Stats()
	assert.Equal(t, first.FirstMedia, second.FirstMedia)
	assert.True(t, second.LastMedia.After(first.LastMedia))
}

// TestMessagesInStats checks that each message is counted when ReadPacket has returned it, even if it was read from the socket together with
// others.
func TestMessagesInStats(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		var sounds []chunk.Outgoing
		for i := range uint32(4) {
			sounds = append(sounds, session.Encode(message.TypeAudio, 1, i, []byte("sound")))
		}
		p.Send(sounds...)
		p.UntilGone()
	})
	c, s := playing(t, url, nil)
	before := c.Stats().Messages
	var p Packet
	for i := range uint64(4) {
		require.NoError(t, s.ReadPacket(&p))
		require.Equal(t, before+1+i, c.Stats().Messages)
	}
}
