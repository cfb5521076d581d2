package testserver_test

import (
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// Without pictures a position is that of the next tag.
func TestPlayWithoutVideo(t *testing.T) {
	sequence := flv.Tag{Type: flv.TagAudio, Body: []byte{0xAF, 0, 0x12, 0x10}}
	tags := []flv.Tag{sequence}
	for ms := uint32(0); ms < 100; ms += 20 {
		tags = append(tags, flv.Tag{Type: flv.TagAudio, Timestamp: ms, Body: []byte{0xAF, 1, byte(ms)}})
	}
	s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"sound": rtmptest.File(tags...)}})
	at := func(ms uint32) []flv.Tag {
		header := sequence
		header.Timestamp = ms
		return []flv.Tag{header}
	}
	for name, test := range map[string]struct {
		args []any
		want []flv.Tag
	}{
		"all":              {nil, tags},
		"at a tag":         {[]any{40}, append(at(40), tags[3:]...)},
		"between tags":     {[]any{41}, append(at(60), tags[4:]...)},
		"the last":         {[]any{80}, append(at(80), tags[5])},
		"behind the last":  {[]any{81}, at(0)},
		"a part":           {[]any{20, 40}, append(at(20), tags[2:4]...)},
		"one tag":          {[]any{20, 0}, append(at(20), tags[2])},
		"one tag, at last": {[]any{81, 0}, at(0)},
	} {
		t.Run(name, func(t *testing.T) {
			c := peertest.Connect(t, s.Addr())
			c.Play("sound", test.args...)
			c.Until(isStop)
			rtmptest.EqualTags(t, test.want, rtmptest.MediaTags(t, c.Skipped))
		})
	}
}

// A pause and its end, said twice, change nothing more.
func TestPauseTwice(t *testing.T) {
	overPipe(t, testserver.Config{Realtime: true}, func(t *testing.T, c *peertest.Client) {
		id := c.Play("sample")
		c.UntilCode("NetStream.Play.Start")
		var all []peertest.Message
		for _, on := range []bool{true, true, false, false, true, false} {
			code, event := "NetStream.Unpause.Notify", message.EventStreamBegin
			if on {
				code, event = "NetStream.Pause.Notify", message.EventStreamEOF
			}
			c.Tell(id, "pause", on, 0)
			c.UntilCode(code)
			all = append(all, c.Skipped...)
			c.UntilEvent(event)
			all = append(all, c.Skipped...)
		}
		c.Until(isStop)
		rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.MediaTags(t, append(all, c.Skipped...)))
	})
}

// What asks for a part of the media gets all of it.
func TestReceive(t *testing.T) {
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{}).Addr())
	id := c.CreateStream()
	c.Tell(id, "receiveAudio", false)
	c.Tell(id, "receiveVideo", false)
	c.Tell(id, "play", "sample")
	c.Until(isStop)
	rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.MediaTags(t, c.Skipped))
}

// The commands by which clients prepare and tidy up, some of which are followed by a call back.
func TestAnnouncements(t *testing.T) {
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{}).Addr())
	for method, test := range map[string]struct{ back, code string }{
		"releaseStream": {"", ""},
		"FCPublish":     {"onFCPublish", "NetStream.Publish.Start"},
		"FCUnpublish":   {"onFCUnpublish", "NetStream.Unpublish.Success"},
		"FCSubscribe":   {"onFCSubscribe", "NetStream.Play.Start"},
		"FCUnsubscribe": {"onFCUnsubscribe", "NetStream.Play.Stop"},
	} {
		for _, args := range [][]any{{"cam"}, {17}, {}} {
			assert.Equal(t, "_result", c.Call(method, nil, args...).Command.Name, method)
			c.Tell(0, method, args...) // transaction id 0: only the call back
			for range 2 {
				if test.back == "" {
					continue
				}
				m := c.Next()
				assert.Equal(t, test.back, m.Command.Name)
				assert.Equal(t, test.code, m.Code)
			}
			c.Sync()
			assert.Empty(t, c.Skipped, method)
		}
	}
}

// A viewer that does not read is dropped for many small messages as well.
func TestSlowViewerOfSmallMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := make(pipes)
		s := testserver.Serve(listener, testserver.Config{})
		defer s.Close()
		connect := func() *peertest.Client {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { ours.Close() })
			listener <- theirs
			c := peertest.NewClient(t, ours)
			c.Connect()
			return c
		}
		slow, publisher := connect(), connect()
		view(slow, "cam")
		id := publisher.Publish("cam", "live")
		const tags = 2048 + 3 // more than may wait, the one on its way and what comes with PublishNotify
		for i := range uint32(tags) {
			rtmptest.SendTags(publisher, id, flv.Tag{Type: flv.TagAudio, Timestamp: i, Body: []byte{0xAF}})
		}
		publisher.Sync()
		require.Error(t, slow.UntilGone())
		assert.Less(t, len(rtmptest.MediaTags(t, slow.Skipped)), tags)
	})
}

func TestTags(t *testing.T) {
	tags := rtmptest.SampleTags(t)[:3]
	whole := rtmptest.File(tags...)
	for name, test := range map[string]struct {
		file []byte
		want int // tags before the error
	}{
		"empty":             {nil, 0},
		"part of a header":  {whole[:5], 0},
		"not FLV":           {[]byte("FLX\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"), 0},
		"cut in a tag":      {whole[:len(whole)-10], 2},
		"cut in its header": {rtmptest.File(tags[0])[:13+5], 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := testserver.Tags(test.file)
			require.Error(t, err)
			rtmptest.EqualTags(t, tags[:test.want], got)
		})
	}
	got := rtmptest.Tags(t, whole)
	rtmptest.EqualTags(t, tags, got)
	got[0].Body[0] ^= 0xFF
	again := rtmptest.Tags(t, whole)
	rtmptest.EqualTags(t, tags, again)
}
