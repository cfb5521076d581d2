package rtmp

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// With a send queue nobody waits: what is dropped is dropped such that the rest can be shown.
func TestSendQueueDrops(t *testing.T) {
	read := make(chan struct{})
	var mu sync.Mutex
	var got []flv.Tag
	url := accepting(t, func(p *peer) {
		<-read
		for {
			var m chunk.Message
			if p.In.Next(&m) != nil {
				return
			}
			if message.Type(m.Type).Media() {
				mu.Lock()
				got = append(got, flv.Tag{Type: flv.TagType(m.Type), Timestamp: m.Timestamp, Body: bytes.Clone(m.Body())})
				mu.Unlock()
			}
		}
	})
	c, s := publishing(t, url, &Options{SendQueue: 1 << 20})
	header := []byte{0x17, 0, 0, 0, 0}
	require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: header}))
	const pictures = 3000
	second, err := flv.AppendVideoHeader(nil, flv.VideoHeader{Enhanced: true, FrameType: flv.FrameInter, FourCC: flv.FourCCHEVC,
		PacketType: flv.VideoCodedFramesX, Multitrack: true, TrackID: 1})
	require.NoError(t, err)
	for i := range pictures { // 120 MB in 2 minutes, on each of two tracks a key frame every 2 seconds, with sound
		body, other := make([]byte, 20_000), append(slices.Clip(second), make([]byte, 20_000)...)
		body[0], body[1] = 0x27, 1
		if i%50 == 0 {
			body[0] = 0x17
		}
		if i%50 == 25 || i == 0 {
			other[0] ^= 0x30
		}
		for _, video := range [][]byte{body, other} {
			require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(40 * i), Body: video}))
		}
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeAudio, Timestamp: uint32(40 * i), Body: []byte{0xAF, 1}}))
	}
	stats := c.Stats()
	assert.LessOrEqual(t, stats.SendQueueBytes, 1<<20+100_000)
	assert.Positive(t, stats.DroppedMessages)
	close(read)
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, header, got[0].Body)
	assert.Equal(t, int(stats.DroppedMessages), 1+3*pictures-len(got))
	var last uint32
	next := [2]int64{-1, -1} // when the picture comes that can be decoded after the latest of the track
	seen := [2]int{}
	for _, tag := range got[1:] {
		require.GreaterOrEqual(t, tag.Timestamp, last)
		last = tag.Timestamp
		if tag.Type != flv.TagVideo {
			continue
		}
		h, err := flv.ParseVideoHeader(tag.Body)
		require.NoError(t, err)
		if !h.IsKeyFrame() {
			require.EqualValues(t, next[h.TrackID], tag.Timestamp, "a picture of track %d whose reference was dropped", h.TrackID)
		}
		next[h.TrackID] = int64(tag.Timestamp) + 40
		seen[h.TrackID]++
	}
	assert.Greater(t, min(seen[0], seen[1]), 20)
	assert.GreaterOrEqual(t, last, uint32(40*(pictures-50)), "the newest is there, or what follows the newest key frame was dropped")
}

// What is never dropped for its meaning is dropped when there is far too much of it.
func TestSendQueueIsBounded(t *testing.T) {
	c, s := publishing(t, deaf(t), &Options{SendQueue: 1 << 20, Timeout: time.Second})
	for range 2000 {
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeDataAMF0, Body: make([]byte, 10_000)}))
	}
	stats := c.Stats()
	assert.LessOrEqual(t, stats.SendQueueBytes, 2<<20+100_000)
	assert.Positive(t, stats.DroppedMessages)
}

// What WritePacket has taken leaves, whatever happens to the write deadline meanwhile.
func TestWriteDeadlineSparesTheSender(t *testing.T) {
	got := make(chan []byte, 1)
	c, s := publishing(t, accepting(t, func(p *peer) { got <- p.ExpectType(message.TypeAudio); p.UntilGone() }), nil)
	another, err := c.client.Load().session.Begin(nil) // writes
	require.NoError(t, err)
	require.NoError(t, s.WritePacket(&Packet{Type: message.TypeAudio, Body: []byte{0xAF, 1}}))
	require.Eventually(t, func() bool {
		return s.sending.Waiting() == 0
	}, 10*time.Second, time.Millisecond, "the sender has it")
	require.NoError(t, s.SetWriteDeadline(time.Unix(1, 0)))
	assert.Never(t, func() bool {
		select {
		case <-s.sending.Ended():
			return true
		default:
			return false
		}
	}, 50*time.Millisecond, time.Millisecond)
	require.NoError(t, another.End(nil))
	require.NoError(t, s.SetWriteDeadline(time.Time{}))
	require.NoError(t, s.Close())
	require.Equal(t, []byte{0xAF, 1}, <-got)
}
