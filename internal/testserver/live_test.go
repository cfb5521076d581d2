package testserver_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// view plays a live stream, and returns when the server has begun.
func view(c *peertest.Client, name string) uint32 {
	c.T.Helper()
	id := c.Play(name, -1000)
	c.UntilCode("NetStream.Play.Start")
	c.Sync()
	return id
}

func TestRelay(t *testing.T) {
	tags := rtmptest.SampleTags(t)
	s := rtmptest.Server(t, testserver.Config{})
	early := peertest.Connect(t, s.Addr())
	view(early, "cam")
	publisher := peertest.Connect(t, s.Addr())
	id := publisher.Publish("cam", "live")
	assert.Equal(t, message.EventStreamBegin, early.Next().Event.Event)
	assert.Equal(t, "NetStream.Play.PublishNotify", early.Next().Code)

	rtmptest.SendTags(publisher, id, tags[:100]...)
	publisher.Sync()
	late := peertest.Connect(t, s.Addr())
	viewing := late.Play("cam") // any kind: the live stream comes before recordings
	late.UntilEvent(message.EventStreamBegin)
	rtmptest.SendTags(publisher, id, tags[100:200]...)
	publisher.Tell(id, "deleteStream", id)
	assert.Equal(t, "NetStream.Unpublish.Success", publisher.UntilCode("NetStream.Unpublish.Success").Code)

	early.UntilCode("NetStream.Play.UnpublishNotify")
	rtmptest.EqualTags(t, tags[:200], rtmptest.MediaTags(t, early.Skipped))
	assert.Equal(t, message.EventStreamEOF, early.Next().Event.Event)
	late.UntilCode("NetStream.Play.UnpublishNotify")
	rtmptest.EqualTags(t, append(tags[:3:3], tags[100:200]...), rtmptest.MediaTags(t, late.Skipped))
	for _, m := range late.Skipped {
		assert.Equal(t, viewing, m.StreamID)
	}

	// The stream of the next publisher has headers of its own.
	id = publisher.Publish("cam", "live")
	late.UntilCode("NetStream.Play.PublishNotify")
	last := peertest.Connect(t, s.Addr())
	last.Play("cam", -1000)
	last.UntilEvent(message.EventStreamBegin)
	rtmptest.SendTags(publisher, id, tags[3])
	publisher.Sync()
	require.NoError(t, publisher.Conn.Close()) // a publisher that goes ends the stream as well
	last.UntilCode("NetStream.Play.UnpublishNotify")
	rtmptest.EqualTags(t, tags[3:4], rtmptest.MediaTags(t, last.Skipped))
}

// What only one can do, and what happens when it stops.
func TestPublishTwice(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	one, two := peertest.Connect(t, s.Addr()), peertest.Connect(t, s.Addr())
	id := one.Publish("cam", "live")
	second := two.CreateStream()
	two.Tell(second, "publish", "cam", "live")
	m := two.Next()
	assert.Equal(t, "NetStream.Publish.BadName", m.Code)
	assert.Equal(t, second, m.StreamID)
	rtmptest.SendTags(two, second, rtmptest.SampleTags(t)[:10]...) // to nowhere

	one.Tell(id, "publish", "another", "live") // on the same stream: cam is free
	assert.Equal(t, "NetStream.Unpublish.Success", one.Next().Code)
	assert.Equal(t, "NetStream.Publish.Start", one.Next().Code)
	two.Tell(second, "publish", "cam", "live")
	two.UntilCode("NetStream.Publish.Start")
}

// AMF3 data messages and the instruction in front of metadata are for the server.
func TestPublishedData(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	viewer := peertest.Connect(t, s.Addr())
	view(viewer, "cam")
	publisher := peertest.Connect(t, s.Addr())
	id := publisher.Publish("cam", "live")
	values := amf.ECMAArray{{Name: "width", Value: 320.0}}
	want, err := message.AppendData(nil, message.TypeDataAMF0, "onMetaData", values)
	require.NoError(t, err)
	for _, kind := range []message.Type{message.TypeDataAMF0, message.TypeDataAMF3} {
		for _, name := range []string{"@setDataFrame", ""} {
			args, first := []any{values}, "onMetaData"
			if name != "" {
				args, first = []any{"onMetaData", values}, name
			}
			body, err := message.AppendData(nil, kind, first, args...)
			require.NoError(t, err)
			publisher.Send(chunk.Outgoing{Type: uint8(kind), ChunkStreamID: 4, StreamID: id, Body: body})
			m := viewer.Until(func(m peertest.Message) bool {
				return m.Type == message.TypeDataAMF0 && !bytes.Contains(m.Body, []byte("|Rtmp"))
			})
			assert.Equal(t, want, m.Body, "%d %s", kind, name)
		}
	}
}

// A viewer misses what comes while it is paused, and gets the headers again.
func TestPauseOfViewer(t *testing.T) {
	tags := rtmptest.SampleTags(t)
	s := rtmptest.Server(t, testserver.Config{})
	viewer, publisher := peertest.Connect(t, s.Addr()), peertest.Connect(t, s.Addr())
	viewing := view(viewer, "cam")
	id := publisher.Publish("cam", "live")
	rtmptest.SendTags(publisher, id, tags[:20]...)
	publisher.Sync()
	viewer.UntilCode("NetStream.Play.PublishNotify")
	viewer.Tell(viewing, "pause", true, 0)
	viewer.UntilCode("NetStream.Pause.Notify")
	got := rtmptest.MediaTags(t, viewer.Skipped)
	viewer.UntilEvent(message.EventStreamEOF)
	got = append(got, rtmptest.MediaTags(t, viewer.Skipped)...)
	viewer.Sync()
	got = append(got, rtmptest.MediaTags(t, viewer.Skipped)...)
	rtmptest.SendTags(publisher, id, tags[20:40]...)
	publisher.Sync()
	viewer.Tell(viewing, "pause", false, 0)
	viewer.Sync()
	got = append(got, rtmptest.MediaTags(t, viewer.Skipped)...)
	rtmptest.SendTags(publisher, id, tags[40:60]...)
	publisher.Tell(id, "closeStream")
	viewer.UntilCode("NetStream.Play.UnpublishNotify")
	got = append(got, rtmptest.MediaTags(t, viewer.Skipped)...)
	want := append(tags[:20:20], tags[:3]...)
	rtmptest.EqualTags(t, append(want, tags[40:60]...), got)
}

// A viewer that does not read is dropped; the publisher and the other viewers do not notice.
func TestSlowViewer(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{ChunkSize: 1 << 20})
	slow, good, publisher := peertest.Connect(t, s.Addr()), peertest.Connect(t, s.Addr()), peertest.Connect(t, s.Addr())
	require.NoError(t, slow.Conn.(*net.TCPConn).SetReadBuffer(64<<10))
	view(slow, "cam")
	view(good, "cam")
	id := publisher.Publish("cam", "live")
	publisher.Control(message.TypeSetChunkSize, message.AppendUint32(nil, 1<<20))
	const tags = 64 // of 1 MiB: twice what may wait for a viewer
	tag := flv.Tag{Type: flv.TagVideo, Body: bytes.Repeat([]byte{0x27}, 1<<20)}
	for i := range uint32(tags) {
		tag.Timestamp = i
		rtmptest.SendTags(publisher, id, tag)
		m := good.Until(func(m peertest.Message) bool { return m.Type == message.TypeVideo })
		require.Equal(t, i, m.Timestamp)
	}
	publisher.Sync()
	require.Error(t, slow.UntilGone())
	assert.Less(t, len(rtmptest.MediaTags(t, slow.Skipped)), tags)
}

func TestRecord(t *testing.T) {
	tags := rtmptest.SampleTags(t)[:100]
	dir := t.TempDir()
	s := rtmptest.Server(t, testserver.Config{RecordDir: dir})
	c := peertest.Connect(t, s.Addr())
	publish := func(kind string, tags []flv.Tag) {
		t.Helper()
		id := c.Publish("cam", kind)
		rtmptest.SendTags(c, id, tags...)
		c.Tell(id, "deleteStream", id)
		c.UntilCode("NetStream.Unpublish.Success")
	}
	recorded := func() []flv.Tag {
		t.Helper()
		file, err := os.ReadFile(filepath.Join(dir, "cam.flv"))
		require.NoError(t, err)
		tags := rtmptest.Tags(t, file)
		return tags
	}
	publish("append", tags[:50]) // to nothing
	rtmptest.EqualTags(t, tags[:50], recorded())
	publish("record", tags)
	rtmptest.EqualTags(t, tags, recorded())
	publish("append", tags)
	want := tags
	for _, tag := range tags { // goes on where the recording ended
		tag.Timestamp += tags[99].Timestamp
		want = append(want, tag)
	}
	rtmptest.EqualTags(t, want, recorded())
	publish("live", tags[:3])
	rtmptest.EqualTags(t, tags[:3], recorded())
	late := []flv.Tag{{Type: flv.TagAudio, Timestamp: 100, Body: []byte{1}}, {Type: flv.TagVideo, Timestamp: 60, Body: []byte{2}}}
	publish("record", late) // the last tag is not the latest
	publish("append", tags[:1])
	assert.EqualValues(t, 100, recorded()[2].Timestamp)

	for _, name := range []string{"", "../cam", "/cam", "no/such/folder"} {
		id := c.CreateStream()
		c.Tell(id, "publish", name, "record")
		assert.Equal(t, "NetStream.Record.Failed", c.Next().Code, name)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "text.flv"), []byte("this is not an FLV file"), 0o644))
	id := c.CreateStream()
	c.Tell(id, "publish", "text", "append")
	assert.Equal(t, "NetStream.Record.Failed", c.Next().Code)
}
