package live_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
)

func TestEverythingFromTheStart(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		c := newClient(65536)
		play(t, h, c)
		assert.Empty(t, c.got())
		assert.Zero(t, c.begun)
		pub := publish(t, h, live.PublishOptions{})
		sent := []flv.Tag{data(0, "onMetaData", 1), videoHeader(1), audioHeader(1), sound(0, 1), key(0, 1), frame(40, 2), data(50, "onCuePoint", 1), sound(60, 2)}
		for i, tag := range sent {
			write(t, pub, tag)
			assert.Equal(t, sent[:i+1], c.got())
		}
		assert.Equal(t, 1, c.begun)
		assert.True(t, h.Published("app/name"))
	})
}

func TestJoiningBeginsWithHeadersAndKeyFrame(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		write(t, pub, data(0, "onMetaData", 1), videoHeader(1), audioHeader(1), key(0, 1), frame(40, 2), sound(50, 1))
		first := newClient(65536)
		play(t, h, first)
		assert.Equal(t, []flv.Tag{data(0, "onMetaData", 1), videoHeader(1), audioHeader(1), key(0, 1), frame(40, 2), sound(50, 1)}, first.got())

		write(t, pub, key(5000, 3), sound(5010, 2), videoHeader(2), key(5040, 4), frame(5080, 5))
		second := newClient(65536)
		play(t, h, second)
		assert.Equal(t, []flv.Tag{at(5040, data(0, "onMetaData", 1)), at(5040, videoHeader(2)), at(5040, audioHeader(1)), key(5040, 4), frame(5080, 5)}, second.got(),
			"headers as they are before the key frame, at its time")

		write(t, pub, frame(5120, 6))
		assert.Equal(t, frame(5120, 6), second.got()[5])
		assert.Equal(t, 12, len(first.got()))
	})
}

func TestSoundAloneBeginsAtOnce(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		write(t, pub, audioHeader(1), sound(0, 1), sound(20, 2))
		c := newClient(65536)
		play(t, h, c)
		assert.Empty(t, c.got())
		write(t, pub, sound(40, 3))
		assert.Equal(t, []flv.Tag{at(40, audioHeader(1)), sound(40, 3)}, c.got())
	})
}

func TestNoCacheWaitsForTheNextKeyFrame(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		write(t, pub, videoHeader(1), key(0, 1), frame(40, 2))
		c := newClient(65536)
		o := c.options()
		o.NoCache = true
		_, err := h.Play("app/name", c, o)
		require.NoError(t, err)
		write(t, pub, frame(80, 3), sound(90, 1), audioHeader(1))
		assert.Empty(t, c.got())
		write(t, pub, key(120, 4), sound(125, 2))
		assert.Equal(t, []flv.Tag{at(120, videoHeader(1)), at(120, audioHeader(1)), key(120, 4), sound(125, 2)}, c.got())
	})
}

// TestNoAwait checks that a player that does not wait for a publisher is refused if there is none, even if other players of the stream
// wait.
func TestNoAwait(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		play(t, h, newClient(65536))
		_, err := h.Subscribe("app/name", live.PlayOptions{Await: -1})
		require.ErrorIs(t, err, live.ErrNotFound, "only players")
		pub := publish(t, h, live.PublishOptions{})
		sub, err := h.Subscribe("app/name", live.PlayOptions{Await: -1})
		require.NoError(t, err)
		sub.Close()
		pub.Close()
		_, err = h.Subscribe("app/name", live.PlayOptions{Await: -1})
		require.ErrorIs(t, err, live.ErrNotFound, "the stream lingers")
	})
}

func TestPicturesAreNotGivenBeforeAKeyFrame(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		c := newClient(65536)
		play(t, h, c)
		recorder := pub.Collect(1, time.Second)
		defer recorder.Close()
		sent := []flv.Tag{frame(0, 1), sound(10, 1), frame(40, 2), key(80, 3), frame(120, 4)}
		write(t, pub, sent...)
		assert.Equal(t, []flv.Tag{sound(10, 1), key(80, 3), frame(120, 4)}, c.got())
		assert.Equal(t, sent, fetch(t, recorder), "a recorder gets everything")
	})
}

func TestSoundDoesNotWaitForPicturesForEver(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		time.Sleep(time.Second)
		pub := publish(t, h, live.PublishOptions{})
		write(t, pub, videoHeader(1), audioHeader(1))
		c := newClient(65536)
		p := play(t, h, c)
		for i := range 11 {
			assert.Empty(t, c.got())
			write(t, pub, sound(uint32(1000*i), i), frame(uint32(1000*i), i))
			time.Sleep(time.Second)
		}
		write(t, pub, key(11_000, 11), frame(11_040, 12))
		assert.Equal(t, []flv.Tag{at(10_000, videoHeader(1)), at(10_000, audioHeader(1)), sound(10_000, 10), key(11_000, 11), frame(11_040, 12)}, c.got())
		assert.Zero(t, p.Stats().Missed)
	})
}

// track returns an Enhanced RTMP message of one of several video tracks.
func track(ms uint32, id uint8, frameType flv.FrameType, n int) flv.Tag {
	body, err := flv.AppendVideoHeader(nil, flv.VideoHeader{Enhanced: true, FrameType: frameType, FourCC: flv.FourCCAV1,
		PacketType: flv.VideoCodedFrames, Multitrack: true, MultitrackType: flv.OneTrack, TrackID: id})
	if err != nil {
		panic(err)
	}
	return flv.Tag{Type: flv.TagVideo, Timestamp: ms, Body: append(body, byte(n))}
}

func TestEveryTrackBeginsWithItsKeyFrame(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		write(t, pub,
			track(0, 7, flv.FrameKey, 1), track(0, 1, flv.FrameKey, 2), track(40, 7, flv.FrameInter, 3), track(40, 1, flv.FrameInter, 4),
			track(80, 1, flv.FrameKey, 5), track(80, 7, flv.FrameInter, 6), track(120, 7, flv.FrameKey, 7))
		c := newClient(65536)
		play(t, h, c)
		write(t, pub, track(160, 7, flv.FrameInter, 8))
		assert.Equal(t, []flv.Tag{track(80, 1, flv.FrameKey, 5), track(120, 7, flv.FrameKey, 7), track(160, 7, flv.FrameInter, 8)}, c.got())
	})
}

func TestReceiveAudioAndVideo(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		write(t, pub, data(0, "onMetaData", 1), videoHeader(1), audioHeader(1), key(0, 1), frame(40, 2))
		c := newClient(65536)
		o := c.options()
		o.NoVideo = true
		p, err := h.Play("app/name", c, o)
		require.NoError(t, err)
		write(t, pub, key(80, 3), sound(80, 1))
		assert.Equal(t, []flv.Tag{at(80, data(0, "onMetaData", 1)), at(80, audioHeader(1)), sound(80, 1)}, c.got())

		p.Receive(false, true)
		write(t, pub, frame(120, 4), sound(120, 2), key(160, 5), frame(200, 6))
		assert.Equal(t, []flv.Tag{at(160, data(0, "onMetaData", 1)), at(160, videoHeader(1)), key(160, 5), frame(200, 6)}, c.got()[3:])
		assert.Zero(t, p.Stats().Missed)

		p.Receive(false, false)
		write(t, pub, frame(240, 7), sound(240, 3), data(240, "onCuePoint", 1))
		assert.Equal(t, []flv.Tag{data(240, "onCuePoint", 1)}, c.got()[7:])
	})
}

func TestDeliverDecidesForOnePlayer(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		some, all := newClient(65536), newClient(65536)
		o := some.options()
		asked := 0
		o.Deliver = func(m *live.Message) bool {
			asked++
			return m.Tag().Type == flv.TagVideo
		}
		_, err := h.Play("app/name", some, o)
		require.NoError(t, err)
		play(t, h, all)
		sub, err := h.Subscribe("app/name", live.PlayOptions{Deliver: o.Deliver})
		require.NoError(t, err)
		defer sub.Close()
		write(t, pub, sound(0, 1), key(0, 1))
		some.got()
		some.stall(true)
		write(t, pub, sound(20, 2), frame(40, 2))
		some.got()
		some.stall(false)
		assert.Equal(t, []flv.Tag{key(0, 1), frame(40, 2)}, some.got())
		assert.Equal(t, 4, asked, "once for each message")
		assert.Equal(t, some.got(), fetch(t, sub))
		assert.Len(t, all.got(), 4)
	})
}

func TestPauseGoesOnWithAKeyFrame(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		c := newClient(65536)
		p := play(t, h, c)
		write(t, pub, videoHeader(1), key(0, 1))
		require.Len(t, c.got(), 2)

		p.Pause(true)
		write(t, pub, frame(40, 2), frame(80, 3))
		require.Len(t, c.got(), 2)
		p.Pause(false)
		assert.Equal(t, []flv.Tag{frame(40, 2), frame(80, 3)}, c.got()[2:], "no key frame has come: it goes on where it was")

		p.Pause(true)
		write(t, pub, frame(120, 4), key(160, 5), frame(200, 6))
		p.Pause(false)
		assert.Equal(t, []flv.Tag{key(160, 5), frame(200, 6)}, c.got()[4:])
		assert.Zero(t, p.Stats().Missed)

		p.Pause(true)
		write(t, pub, videoHeader(2), key(240, 7))
		p.Pause(false)
		assert.Equal(t, []flv.Tag{at(240, videoHeader(2)), key(240, 7)}, c.got()[6:])
	})
}

func TestOtherMessageStreams(t *testing.T) {
	withHub(t, func(t *testing.T, h *live.Hub) {
		pub := publish(t, h, live.PublishOptions{})
		one, seven := newClient(65536), newClient(65536)
		play(t, h, one)
		o := seven.options()
		o.StreamID = 0x01020307
		_, err := h.Play("app/name", seven, o)
		require.NoError(t, err)
		sent := []flv.Tag{videoHeader(1), key(0, 1), padded(frame(0xffffff, 2), 200_000), sound(0xffffff, 1)}
		write(t, pub, sent...)
		assert.Equal(t, sent, one.got())
		assert.Equal(t, sent, seven.got())
		assert.Equal(t, []uint32{1, 1, 1, 1}, one.ids)
		assert.Equal(t, []uint32{0x01020307, 0x01020307, 0x01020307, 0x01020307}, seven.ids)
	})
}
