package rtmp

import (
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestSendQueueDrops(t *testing.T) {
	synctest.Test(t, testSendQueueDrops)
}

func testSendQueueDrops(t *testing.T) {
	read := make(chan struct{})
	var got []Packet
	c, s := pipedPublisher(t, Options{SendQueue: 1 << 20}, func(p *peer) {
		<-read
		for m, err := p.Next(); err == nil; m, err = p.Next() {
			if m.Type.Media() {
				got = append(got, m)
			} else if cmd, err := message.ParseCommand(m.Type, m.Body); err == nil && cmd.Name == "createStream" { // sent by Close
				p.Call(0, "_result", cmd.TransactionID, nil, 2.0)
			}
		}
	})
	header := []byte{0x17, 0, 0, 0, 0}
	require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: header}))
	synctest.Wait() // the sender has taken the header from the queue, and takes nothing else until the server reads
	const pictures = 3000
	second, err := flv.AppendVideoHeader(nil, flv.VideoHeader{Enhanced: true, FrameType: flv.FrameInter, FourCC: flv.FourCCHEVC,
		PacketType: flv.VideoCodedFramesX, Multitrack: true, TrackID: 1})
	require.NoError(t, err)
	for i := range pictures { // 120 MB in 2 minutes: two video tracks with a key frame every 2 seconds, and audio
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
	synctest.Wait()
	require.Equal(t, header, got[0].Body)
	assert.Equal(t, int(stats.DroppedMessages), 1+3*pictures-len(got))
	var last uint32
	var keys, pictureAt [2]uint32 // for each track: the last key frame sent, and the only picture that can follow the last one
	for _, p := range got[1:] {
		require.GreaterOrEqual(t, p.Timestamp, last)
		last = p.Timestamp
		if p.Type != message.TypeVideo {
			continue
		}
		h, err := flv.ParseVideoHeader(p.Body)
		require.NoError(t, err)
		if h.IsKeyFrame() {
			keys[h.TrackID] = p.Timestamp
		} else {
			require.Equal(t, pictureAt[h.TrackID], p.Timestamp, "a picture of track %d whose reference was dropped", h.TrackID)
		}
		pictureAt[h.TrackID] = p.Timestamp + 40
	}
	assert.Equal(t, [2]uint32{40 * (pictures - 50), 40 * (pictures - 25)}, keys, "the newest key frames")
	for track, end := range pictureAt {
		assert.Greater(t, end, keys[track]+5*40, "what follows is there as long as there is room")
	}
	assert.Equal(t, uint32(40*(pictures-1)), last, "there is room for the newest sound")
}

func TestSendQueueIsBounded(t *testing.T) {
	c, s := publishing(t, deaf(t), &Options{SendQueue: 1 << 20})
	for range 2000 {
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeDataAMF0, Body: make([]byte, 10_000)}))
	}
	stats := c.Stats()
	assert.LessOrEqual(t, stats.SendQueueBytes, 4<<20+100_000, "twice the limit in the queue, since it drops data last, and as much in a write")
	assert.Positive(t, stats.DroppedMessages)
}

// TestSendQueueBytesOfAStalledWrite checks that SendQueueBytes includes what has left the queue but was not accepted by the socket.
func TestSendQueueBytesOfAStalledWrite(t *testing.T) {
	c, s := publishing(t, deaf(t), nil)
	const size = chunk.MaxMessageLength // more than the buffers of a socket
	require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: make([]byte, size)}))
	require.Eventually(t, func() bool { // Stats counts while bytes move from the queue to the socket
		stats := c.Stats()
		return stats.SendQueueBytes+int(stats.BytesWritten) >= size
	}, patience, time.Millisecond)
	require.NoError(t, s.WritePacket(&Packet{Type: message.TypeAudio, Body: []byte{0xAF, 1}}))
	assert.Greater(t, c.Stats().SendQueueBytes, size/4)
}

// TestWriteDeadlineSparesTheSender checks that packets that WritePacket has accepted are sent even after the write deadline.
func TestWriteDeadlineSparesTheSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := make(chan []byte, 1)
		c, s := pipedPublisher(t, Options{}, func(p *peer) { got <- p.ExpectType(message.TypeAudio); p.UntilGone() })
		another, err := c.client.Load().session.Begin(nil) // takes the write lock
		require.NoError(t, err)
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeAudio, Body: []byte{0xAF, 1}}))
		synctest.Wait()
		require.NoError(t, s.SetWriteDeadline(time.Unix(1, 0)))
		synctest.Wait()
		select {
		case <-s.sending.Ended():
			t.Error("the sender has ended")
		default:
		}
		require.NoError(t, another.End(nil))
		require.NoError(t, s.SetWriteDeadline(time.Time{}))
		require.NoError(t, s.Close())
		require.Equal(t, []byte{0xAF, 1}, <-got)
	})
}

// TestWriteDeadlineLosesNothingForAQueue checks that a Write that a deadline ends has published as much as it says, if media is queued.
func TestWriteDeadlineLosesNothingForAQueue(t *testing.T) {
	server, recorded := rtmptest.Recorder(t, testserver.Config{})
	c, s := publishing(t, server.URL("live", "out"), &Options{SendQueue: 64 << 20})
	require.NoError(t, s.SetWriteDeadline(time.Unix(1, 0)))
	n, err := s.Write(testserver.Sample)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.Zero(t, n)
	require.NoError(t, s.SetWriteDeadline(time.Time{}))
	_, err = s.Write(testserver.Sample[n:])
	require.NoError(t, err)
	require.NoError(t, c.Close())
	rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.Tags(t, recorded("out")))
}

// TestRefusalWakesABlockedWritePacket checks that calls of WritePacket that wait for room return the refusal of the server.
func TestRefusalWakesABlockedWritePacket(t *testing.T) {
	for _, code := range []string{message.CodePublishBadName, message.CodePublishDenied} {
		synctest.Test(t, func(t *testing.T) {
			refuse := make(chan struct{})
			over := make(chan struct{})
			defer close(over)
			_, s := pipedPublisher(t, Options{Timeout: time.Hour}, func(p *peer) { // reads nothing
				<-refuse
				p.Status(code)
				<-over
			})
			const writers = 2
			failed := make(chan error, writers)
			for range writers {
				go func() {
					var err error
					for err == nil {
						err = s.WritePacket(&Packet{Type: message.TypeVideo, Body: make([]byte, 30_000)})
					}
					failed <- err
				}()
			}
			synctest.Wait()
			close(refuse)
			assert.Zero(t, elapsed(func() {
				for range writers {
					var refused *StatusError
					require.ErrorAs(t, <-failed, &refused)
					assert.Equal(t, code, refused.Code)
				}
			}))
		})
	}
}
