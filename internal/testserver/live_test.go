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
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// view plays a live stream, and returns when the server has begun.
func (c *client) view(name string) uint32 {
	c.t.Helper()
	id := c.play(name, -1000)
	c.untilCode("NetStream.Play.Start")
	c.sync()
	return id
}

func TestRelay(t *testing.T) {
	tags := sampleTags(t)
	s := start(t, testserver.Config{})
	early := connected(t, s)
	early.view("cam")
	publisher := connected(t, s)
	id := publisher.publish("cam", "live")
	assert.Equal(t, message.EventStreamBegin, early.next().event.Event)
	assert.Equal(t, "NetStream.Play.PublishNotify", early.next().code)

	publisher.sendTags(id, tags[:100]...)
	publisher.sync()
	late := connected(t, s)
	viewing := late.play("cam") // any kind: the live stream comes before recordings
	late.untilEvent(message.EventStreamBegin)
	publisher.sendTags(id, tags[100:200]...)
	publisher.tell(id, "deleteStream", id)
	assert.Equal(t, "NetStream.Unpublish.Success", publisher.untilCode("NetStream.Unpublish.Success").code)

	early.untilCode("NetStream.Play.UnpublishNotify")
	requireTags(t, tags[:200], media(t, early.skipped))
	assert.Equal(t, message.EventStreamEOF, early.next().event.Event)
	late.untilCode("NetStream.Play.UnpublishNotify")
	requireTags(t, append(tags[:3:3], tags[100:200]...), media(t, late.skipped))
	for _, m := range late.skipped {
		assert.Equal(t, viewing, m.streamID)
	}

	// The stream of the next publisher has headers of its own.
	id = publisher.publish("cam", "live")
	late.untilCode("NetStream.Play.PublishNotify")
	last := connected(t, s)
	last.play("cam", -1000)
	last.untilEvent(message.EventStreamBegin)
	publisher.sendTags(id, tags[3])
	publisher.sync()
	require.NoError(t, publisher.nc.Close()) // a publisher that goes ends the stream as well
	last.untilCode("NetStream.Play.UnpublishNotify")
	requireTags(t, tags[3:4], media(t, last.skipped))
}

// What only one can do, and what happens when it stops.
func TestPublishTwice(t *testing.T) {
	s := start(t, testserver.Config{})
	one, two := connected(t, s), connected(t, s)
	id := one.publish("cam", "live")
	second := two.createStream()
	two.tell(second, "publish", "cam", "live")
	m := two.next()
	assert.Equal(t, "NetStream.Publish.BadName", m.code)
	assert.Equal(t, second, m.streamID)
	two.sendTags(second, sampleTags(t)[:10]...) // to nowhere

	one.tell(id, "publish", "another", "live") // on the same stream: cam is free
	assert.Equal(t, "NetStream.Unpublish.Success", one.next().code)
	assert.Equal(t, "NetStream.Publish.Start", one.next().code)
	two.tell(second, "publish", "cam", "live")
	two.untilCode("NetStream.Publish.Start")
}

// AMF3 data messages and the instruction in front of metadata are for the server.
func TestPublishedData(t *testing.T) {
	s := start(t, testserver.Config{})
	viewer := connected(t, s)
	viewer.view("cam")
	publisher := connected(t, s)
	id := publisher.publish("cam", "live")
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
			publisher.send(chunk.Outgoing{Type: uint8(kind), ChunkStreamID: 4, StreamID: id, Body: body})
			m := viewer.until(func(m received) bool {
				return m.typ == message.TypeDataAMF0 && !bytes.Contains(m.body, []byte("|Rtmp"))
			})
			assert.Equal(t, want, m.body, "%d %s", kind, name)
		}
	}
}

// A viewer misses what comes while it is paused, and gets the headers again.
func TestPauseOfViewer(t *testing.T) {
	tags := sampleTags(t)
	s := start(t, testserver.Config{})
	viewer, publisher := connected(t, s), connected(t, s)
	viewing := viewer.view("cam")
	id := publisher.publish("cam", "live")
	publisher.sendTags(id, tags[:20]...)
	publisher.sync()
	viewer.untilCode("NetStream.Play.PublishNotify")
	viewer.tell(viewing, "pause", true, 0)
	viewer.untilCode("NetStream.Pause.Notify")
	got := media(t, viewer.skipped)
	viewer.untilEvent(message.EventStreamEOF)
	got = append(got, media(t, viewer.skipped)...)
	viewer.sync()
	got = append(got, media(t, viewer.skipped)...)
	publisher.sendTags(id, tags[20:40]...)
	publisher.sync()
	viewer.tell(viewing, "pause", false, 0)
	viewer.sync()
	got = append(got, media(t, viewer.skipped)...)
	publisher.sendTags(id, tags[40:60]...)
	publisher.tell(id, "closeStream")
	viewer.untilCode("NetStream.Play.UnpublishNotify")
	got = append(got, media(t, viewer.skipped)...)
	want := append(tags[:20:20], tags[:3]...)
	requireTags(t, append(want, tags[40:60]...), got)
}

// A viewer that does not read is dropped; the publisher and the other viewers do not notice.
func TestSlowViewer(t *testing.T) {
	s := start(t, testserver.Config{ChunkSize: 1 << 20})
	slow, good, publisher := connected(t, s), connected(t, s), connected(t, s)
	require.NoError(t, slow.nc.(*net.TCPConn).SetReadBuffer(64<<10))
	slow.view("cam")
	good.view("cam")
	id := publisher.publish("cam", "live")
	publisher.control(message.TypeSetChunkSize, message.AppendUint32(nil, 1<<20))
	const tags = 64 // of 1 MiB: twice what may wait for a viewer
	tag := flv.Tag{Type: flv.TagVideo, Body: bytes.Repeat([]byte{0x27}, 1<<20)}
	for i := range uint32(tags) {
		tag.Timestamp = i
		publisher.sendTags(id, tag)
		m := good.until(func(m received) bool { return m.typ == message.TypeVideo })
		require.Equal(t, i, m.timestamp)
	}
	publisher.sync()
	require.Error(t, slow.untilGone())
	assert.Less(t, len(media(t, slow.skipped)), tags)
}

func TestRecord(t *testing.T) {
	tags := sampleTags(t)[:100]
	dir := t.TempDir()
	s := start(t, testserver.Config{RecordDir: dir})
	c := connected(t, s)
	publish := func(kind string, tags []flv.Tag) {
		t.Helper()
		id := c.publish("cam", kind)
		c.sendTags(id, tags...)
		c.tell(id, "deleteStream", id)
		c.untilCode("NetStream.Unpublish.Success")
	}
	recorded := func() []flv.Tag {
		t.Helper()
		file, err := os.ReadFile(filepath.Join(dir, "cam.flv"))
		require.NoError(t, err)
		tags, err := testserver.Tags(file)
		require.NoError(t, err)
		return tags
	}
	publish("append", tags[:50]) // to nothing
	requireTags(t, tags[:50], recorded())
	publish("record", tags)
	requireTags(t, tags, recorded())
	publish("append", tags)
	want := tags
	for _, tag := range tags { // goes on where the recording ended
		tag.Timestamp += tags[99].Timestamp
		want = append(want, tag)
	}
	requireTags(t, want, recorded())
	publish("live", tags[:3])
	requireTags(t, tags[:3], recorded())
	late := []flv.Tag{{Type: flv.TagAudio, Timestamp: 100, Body: []byte{1}}, {Type: flv.TagVideo, Timestamp: 60, Body: []byte{2}}}
	publish("record", late) // the last tag is not the latest
	publish("append", tags[:1])
	assert.EqualValues(t, 100, recorded()[2].Timestamp)

	for _, name := range []string{"", "../cam", "/cam", "no/such/folder"} {
		id := c.createStream()
		c.tell(id, "publish", name, "record")
		assert.Equal(t, "NetStream.Record.Failed", c.next().code, name)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "text.flv"), []byte("this is not an FLV file"), 0o644))
	id := c.createStream()
	c.tell(id, "publish", "text", "append")
	assert.Equal(t, "NetStream.Record.Failed", c.next().code)
}
