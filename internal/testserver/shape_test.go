package testserver_test

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// shapes are all fields of Shape, alone and together. show tells that the shape was really sent.
var shapes = map[string]struct {
	shape testserver.Shape
	show  func(t *testing.T, c *client)
}{
	"nothing unusual": {testserver.Shape{}, func(t *testing.T, c *client) {
		assert.Equal(t, chunk.Tolerated{}, c.in.Tolerated())
		assert.Equal(t, map[uint32]bool{4: true, 6: true}, chunkStreams(c))
	}},
	"high chunk streams": {testserver.Shape{AudioChunkStream: 65599, VideoChunkStream: 320}, func(t *testing.T, c *client) {
		assert.Equal(t, map[uint32]bool{65599: true, 320: true}, chunkStreams(c))
	}},
	"two-byte chunk streams": {testserver.Shape{AudioChunkStream: 64, VideoChunkStream: 319}, func(t *testing.T, c *client) {
		assert.Equal(t, map[uint32]bool{64: true, 319: true}, chunkStreams(c))
	}},
	"one chunk stream": {testserver.Shape{AudioChunkStream: 6}, func(t *testing.T, c *client) {
		assert.Equal(t, map[uint32]bool{6: true}, chunkStreams(c))
	}},
	"interleaved": {testserver.Shape{InterleaveAV: true}, func(t *testing.T, c *client) {
		assert.NotEqual(t, sampleTags(t), media(t, c.skipped), "some message has overtaken another")
	}},
	"chunk size changes": {testserver.Shape{ChunkSizeEvery: 7}, func(t *testing.T, c *client) {
		assert.Greater(t, count(c, message.TypeSetChunkSize), 50)
	}},
	"aborts": {testserver.Shape{AbortEvery: 5}, func(t *testing.T, c *client) {
		assert.EqualValues(t, len(sampleTags(t))/5, c.in.Tolerated().Aborts)
	}},
	"unknown types": {testserver.Shape{UnknownTypes: true}, func(t *testing.T, c *client) {
		for _, kind := range []message.Type{7, 21, 99, 255} {
			assert.Positive(t, count(c, kind), "type %d", kind)
		}
	}},
	"aggregates": {testserver.Shape{Aggregate: 9}, func(t *testing.T, c *client) {
		assert.Greater(t, count(c, message.TypeAggregate), len(sampleTags(t))/9)
		assert.Zero(t, count(c, message.TypeVideo), "gathered with others")
	}},
	"across 2^24":          {testserver.Shape{TimestampOffset: 1<<24 - 5000}, extendedAsItShould},
	"across 2^24, omitted": {testserver.Shape{TimestampOffset: 1<<24 - 5000, OmitExtendedType3: true}, extendedOmitted},
	"behind 2^24":          {testserver.Shape{TimestampOffset: 1 << 25}, extendedAsItShould},
	"behind 2^24, omitted": {testserver.Shape{TimestampOffset: 1 << 25, OmitExtendedType3: true}, extendedOmitted},
	"behind 2^24, absolute": {testserver.Shape{TimestampOffset: 1 << 25, AbsoluteExtended: true}, func(t *testing.T, c *client) {
		assert.Greater(t, c.in.Tolerated().AbsoluteExtended, uint64(500))
	}},
	"across 2^31":            {testserver.Shape{TimestampOffset: 1<<31 - 5000}, extendedAsItShould},
	"across 2^32":            {testserver.Shape{TimestampOffset: 1<<32 - 5000}, extendedAsItShould},
	"across 2^32, omitted":   {testserver.Shape{TimestampOffset: 1<<32 - 5000, OmitExtendedType3: true}, extendedOmitted},
	"aggregates across 2^32": {testserver.Shape{TimestampOffset: 1<<32 - 5000, Aggregate: 5}, extendedAsItShould},
	"duplicate metadata":     {testserver.Shape{DuplicateMetadata: true}, nil},
	"late metadata":          {testserver.Shape{LateMetadata: true}, nil},
	"late duplicates":        {testserver.Shape{LateMetadata: true, DuplicateMetadata: true, Aggregate: 3}, nil},
	"everything at once": {testserver.Shape{AudioChunkStream: 500, InterleaveAV: true, ChunkSizeEvery: 3, AbortEvery: 4,
		UnknownTypes: true, TimestampOffset: 1<<24 - 3000}, nil},
}

// chunkStreams are those with media on them.
func chunkStreams(c *client) map[uint32]bool {
	ids := make(map[uint32]bool)
	for _, m := range c.skipped {
		if len(media(c.t, []received{m})) > 0 {
			ids[m.chunkStreamID] = true
		}
	}
	return ids
}

func count(c *client, kind message.Type) (n int) {
	for _, m := range c.skipped {
		if m.typ == kind {
			n++
		}
	}
	return n
}

func extendedAsItShould(t *testing.T, c *client) {
	assert.Zero(t, c.in.Tolerated().MissingExtended)
	assert.Zero(t, c.in.Tolerated().AbsoluteExtended)
}

func extendedOmitted(t *testing.T, c *client) { assert.Positive(t, c.in.Tolerated().MissingExtended) }

// shapedTags are the tags of the sample as a shape says.
func shapedTags(t *testing.T, shape testserver.Shape) []flv.Tag {
	t.Helper()
	tags := sampleTags(t)
	metadata := []flv.Tag{tags[0]}
	tags = tags[1:]
	if shape.DuplicateMetadata {
		metadata = append(metadata, metadata[0])
	}
	at := 0
	if shape.LateMetadata { // behind ten tags, with the time of the last
		at = 10
	}
	for i := range metadata {
		if at > 0 {
			metadata[i].Timestamp = tags[at-1].Timestamp
		}
	}
	tags = slices.Insert(tags, at, metadata...)
	for i := range tags {
		tags[i].Timestamp += shape.TimestampOffset
	}
	return tags
}

func TestShape(t *testing.T) {
	for name, test := range shapes {
		t.Run(name, func(t *testing.T) {
			c := connected(t, start(t, testserver.Config{Shape: test.shape, ChunkSize: 300}))
			c.play("sample")
			c.until(isStop)
			want, got := shapedTags(t, test.shape), media(t, c.skipped)
			if test.shape.InterleaveAV { // a short message overtakes a long one on another chunk stream only
				slices.SortStableFunc(want, byType)
				slices.SortStableFunc(got, byType)
			}
			requireTags(t, want, got)
			if test.show != nil {
				test.show(t, c)
			}
		})
	}
}

func byType(a, b flv.Tag) int { return cmp.Compare(b.Type, a.Type) }

// After the end, and after other messages on its chunk streams, a shaped recording can be played on and again.
func TestShapeAfterTheEnd(t *testing.T) {
	for name, test := range shapes {
		t.Run(name, func(t *testing.T) {
			c := connected(t, start(t, testserver.Config{Shape: test.shape, ChunkSize: 300}))
			id := c.play("sample")
			c.until(isStop)
			c.tell(id, "seek", 8000)
			c.untilCode("NetStream.Play.Start")
			c.until(isStop)
			all := shapedTags(t, test.shape)
			key := slices.IndexFunc(all, func(tag flv.Tag) bool {
				h, err := flv.ParseVideoHeader(tag.Body)
				return tag.Type == flv.TagVideo && err == nil && h.IsKeyFrame() && h.IsFrame() &&
					tag.Timestamp-test.shape.TimestampOffset == 8000
			})
			var want []flv.Tag
			for _, tag := range all[:20] { // metadata and sequence headers, wherever they were
				video, videoErr := flv.ParseVideoHeader(tag.Body)
				audio, audioErr := flv.ParseAudioHeader(tag.Body)
				if tag.Type == flv.TagScript || tag.Type == flv.TagVideo && videoErr == nil && video.IsSequenceHeader() ||
					tag.Type == flv.TagAudio && audioErr == nil && audio.IsSequenceHeader() {
					tag.Timestamp = all[key].Timestamp
					want = append(want, tag)
				}
			}
			want = append(want, all[key:]...)
			got := media(t, c.skipped)
			if test.shape.InterleaveAV {
				slices.SortStableFunc(want, byType)
				slices.SortStableFunc(got, byType)
			}
			requireTags(t, want, got)
		})
	}
}

// Two shaped recordings on one connection share chunk streams, by turns since each message is sent when it is due.
func TestShapeOfTwoStreams(t *testing.T) {
	overPipe(t, testserver.Config{Shape: testserver.Shape{VideoChunkStream: 7}, Realtime: true}, func(t *testing.T, c *client) {
		one, two := c.createStream(), c.createStream()
		c.tell(one, "play", "sample")
		c.untilCode("NetStream.Play.Start")
		all := map[uint32][]received{}
		for range 30 {
			m := c.next()
			all[m.streamID] = append(all[m.streamID], m)
		}
		c.tell(two, "play", "sample", 4000)
		for stops := 0; stops < 2; {
			m := c.next()
			all[m.streamID] = append(all[m.streamID], m)
			if isStop(m) {
				stops++
			}
		}
		tags := sampleTags(t)
		requireTags(t, tags, media(t, all[one]))
		requireTags(t, append(headersAt(tags, 4000), tags[keyFrames[2]:]...), media(t, all[two]))
	})
}

func TestEndSignal(t *testing.T) {
	for name, test := range map[string]struct {
		signal testserver.EndSignal
		end    func(received) bool
	}{
		"all":             {testserver.EndAll, isStop},
		"Play.Stop":       {testserver.EndStop, isStop},
		"Play.Complete":   {testserver.EndComplete, func(m received) bool { return m.code == "NetStream.Play.Complete" }},
		"UnpublishNotify": {testserver.EndUnpublishNotify, func(m received) bool { return m.code == "NetStream.Play.UnpublishNotify" }},
		"FCUnsubscribe":   {testserver.EndFCUnsubscribe, func(m received) bool { return m.command.Name == "onFCUnsubscribe" && m.streamID == 0 }},
		"StreamEOF": {testserver.EndStreamEOF, func(m received) bool {
			return m.typ == message.TypeUserControl && m.event.Event == message.EventStreamEOF
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := connected(t, start(t, testserver.Config{Shape: testserver.Shape{EndSignal: test.signal}}))
			c.play("sample")
			c.until(test.end)
			requireTags(t, sampleTags(t), media(t, c.skipped))
			before := c.skipped
			c.sync()
			assert.Empty(t, c.skipped, "the last message")
			if test.signal == testserver.EndAll {
				return
			}
			for _, m := range before[len(before)-1:] {
				assert.True(t, m.typ.Media(), "and the only one")
			}
		})
	}
	t.Run("the connection's end", func(t *testing.T) {
		c := connected(t, start(t, testserver.Config{Shape: testserver.Shape{EndSignal: testserver.EndClose}}))
		c.play("sample")
		err := c.untilGone()
		assert.True(t, errors.Is(err, io.EOF), err)
		requireTags(t, sampleTags(t), media(t, c.skipped))
	})
	t.Run("nothing", func(t *testing.T) {
		overPipe(t, testserver.Config{Shape: testserver.Shape{EndSignal: testserver.EndNothing}}, func(t *testing.T, c *client) {
			c.play("sample")
			c.until(func(m received) bool { return m.typ == message.TypeVideo && len(m.body) == 5 }) // the sample's last
			requireTags(t, sampleTags(t)[:len(sampleTags(t))-1], media(t, c.skipped))
			c.sync()
			assert.Empty(t, c.skipped)
		})
	})
}
