package testserver_test

import (
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
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
	s := start(t, testserver.Config{Files: map[string][]byte{"sound": flvFile(tags...)}})
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
			c := connected(t, s)
			c.play("sound", test.args...)
			c.until(isStop)
			requireTags(t, test.want, media(t, c.skipped))
		})
	}
}

// A pause and its end, said twice, change nothing more.
func TestPauseTwice(t *testing.T) {
	overPipe(t, testserver.Config{Realtime: true}, func(t *testing.T, c *client) {
		id := c.play("sample")
		c.untilCode("NetStream.Play.Start")
		var all []received
		for _, on := range []bool{true, true, false, false, true, false} {
			code, event := "NetStream.Unpause.Notify", message.EventStreamBegin
			if on {
				code, event = "NetStream.Pause.Notify", message.EventStreamEOF
			}
			c.tell(id, "pause", on, 0)
			c.untilCode(code)
			all = append(all, c.skipped...)
			c.untilEvent(event)
			all = append(all, c.skipped...)
		}
		c.until(isStop)
		requireTags(t, sampleTags(t), media(t, append(all, c.skipped...)))
	})
}

// What asks for a part of the media gets all of it.
func TestReceive(t *testing.T) {
	c := connected(t, start(t, testserver.Config{}))
	id := c.createStream()
	c.tell(id, "receiveAudio", false)
	c.tell(id, "receiveVideo", false)
	c.tell(id, "play", "sample")
	c.until(isStop)
	requireTags(t, sampleTags(t), media(t, c.skipped))
}

// The commands by which clients prepare and tidy up, some of which are followed by a call back.
func TestAnnouncements(t *testing.T) {
	c := connected(t, start(t, testserver.Config{}))
	for method, test := range map[string]struct{ back, code string }{
		"releaseStream": {"", ""},
		"FCPublish":     {"onFCPublish", "NetStream.Publish.Start"},
		"FCUnpublish":   {"onFCUnpublish", "NetStream.Unpublish.Success"},
		"FCSubscribe":   {"onFCSubscribe", "NetStream.Play.Start"},
		"FCUnsubscribe": {"onFCUnsubscribe", "NetStream.Play.Stop"},
	} {
		for _, args := range [][]any{{"cam"}, {17}, {}} {
			assert.Equal(t, "_result", c.call(method, nil, args...).command.Name, method)
			c.tell(0, method, args...) // transaction id 0: only the call back
			for range 2 {
				if test.back == "" {
					continue
				}
				m := c.next()
				assert.Equal(t, test.back, m.command.Name)
				assert.Equal(t, test.code, m.code)
			}
			c.sync()
			assert.Empty(t, c.skipped, method)
		}
	}
}

// A viewer that does not read is dropped for many small messages as well.
func TestSlowViewerOfSmallMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := make(pipes)
		s := testserver.Serve(listener, testserver.Config{})
		defer s.Close()
		connect := func() *client {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { ours.Close() })
			listener <- theirs
			c := newClient(t, ours)
			c.connect()
			return c
		}
		slow, publisher := connect(), connect()
		slow.view("cam")
		id := publisher.publish("cam", "live")
		const tags = 2048 + 3 // more than may wait, the one on its way and what comes with PublishNotify
		for i := range uint32(tags) {
			publisher.sendTags(id, flv.Tag{Type: flv.TagAudio, Timestamp: i, Body: []byte{0xAF}})
		}
		publisher.sync()
		require.Error(t, slow.untilGone())
		assert.Less(t, len(media(t, slow.skipped)), tags)
	})
}

func TestTags(t *testing.T) {
	tags := sampleTags(t)[:3]
	whole := flvFile(tags...)
	for name, test := range map[string]struct {
		file []byte
		want int // tags before the error
	}{
		"empty":             {nil, 0},
		"part of a header":  {whole[:5], 0},
		"not FLV":           {[]byte("FLX\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"), 0},
		"cut in a tag":      {whole[:len(whole)-10], 2},
		"cut in its header": {flvFile(tags[0])[:13+5], 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := testserver.Tags(test.file)
			require.Error(t, err)
			requireTags(t, tags[:test.want], got)
		})
	}
	got, err := testserver.Tags(whole)
	require.NoError(t, err)
	requireTags(t, tags, got)
	got[0].Body[0] ^= 0xFF
	again, err := testserver.Tags(whole)
	require.NoError(t, err)
	requireTags(t, tags, again)
}
