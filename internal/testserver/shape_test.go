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
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// shapes contains all fields of Shape, alone and together. show checks that the server has really sent the shape.
var shapes = map[string]struct {
	shape testserver.Shape
	show  func(t *testing.T, c *peertest.Client)
}{
	"nothing unusual": {testserver.Shape{}, func(t *testing.T, c *peertest.Client) {
		assert.Equal(t, chunk.Tolerated{}, c.In.Tolerated())
		assert.Equal(t, map[uint32]bool{5: true, 7: true}, chunkStreams(c))
	}},
	"high chunk streams": {testserver.Shape{AudioChunkStream: 65599, VideoChunkStream: 320}, func(t *testing.T, c *peertest.Client) {
		assert.Equal(t, map[uint32]bool{65599: true, 320: true}, chunkStreams(c))
	}},
	"two-byte chunk streams": {testserver.Shape{AudioChunkStream: 64, VideoChunkStream: 319}, func(t *testing.T, c *peertest.Client) {
		assert.Equal(t, map[uint32]bool{64: true, 319: true}, chunkStreams(c))
	}},
	"one chunk stream": {testserver.Shape{AudioChunkStream: 6}, func(t *testing.T, c *peertest.Client) {
		assert.Equal(t, map[uint32]bool{6: true}, chunkStreams(c))
	}},
	"interleaved": {testserver.Shape{InterleaveAV: true}, func(t *testing.T, c *peertest.Client) {
		assert.NotEqual(t, rtmptest.SampleTags(t), rtmptest.MediaTags(t, c.Skipped), "some message has overtaken another")
	}},
	"chunk size changes": {testserver.Shape{ChunkSizeEvery: 7}, func(t *testing.T, c *peertest.Client) {
		assert.Greater(t, count(c, message.TypeSetChunkSize), 50)
	}},
	"aborts": {testserver.Shape{AbortEvery: 5}, func(t *testing.T, c *peertest.Client) {
		assert.EqualValues(t, len(rtmptest.SampleTags(t))/5, c.In.Tolerated().Aborts)
	}},
	"unknown types": {testserver.Shape{UnknownTypes: true}, func(t *testing.T, c *peertest.Client) {
		for _, kind := range []message.Type{7, 21, 99, 255} {
			assert.Positive(t, count(c, kind), "type %d", kind)
		}
	}},
	"aggregates": {testserver.Shape{Aggregate: 9}, func(t *testing.T, c *peertest.Client) {
		assert.Greater(t, count(c, message.TypeAggregate), len(rtmptest.SampleTags(t))/9)
		assert.Zero(t, count(c, message.TypeVideo), "gathered with others")
	}},
	"across 2^24":          {testserver.Shape{TimestampOffset: 1<<24 - 5000}, extendedAsItShould},
	"across 2^24, omitted": {testserver.Shape{TimestampOffset: 1<<24 - 5000, OmitExtendedType3: true}, extendedOmitted},
	"after 2^24":           {testserver.Shape{TimestampOffset: 1 << 25}, extendedAsItShould},
	"after 2^24, omitted":  {testserver.Shape{TimestampOffset: 1 << 25, OmitExtendedType3: true}, extendedOmitted},
	"after 2^24, absolute": {testserver.Shape{TimestampOffset: 1 << 25, AbsoluteExtended: true}, func(t *testing.T, c *peertest.Client) {
		assert.Greater(t, c.In.Tolerated().AbsoluteExtended, uint64(500))
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

// chunkStreams returns the chunk streams that carry media.
func chunkStreams(c *peertest.Client) map[uint32]bool {
	ids := make(map[uint32]bool)
	for _, m := range c.Skipped {
		if len(rtmptest.MediaTags(c.T, []peertest.Message{m})) > 0 {
			ids[m.ChunkStreamID] = true
		}
	}
	return ids
}

func count(c *peertest.Client, kind message.Type) (n int) {
	for _, m := range c.Skipped {
		if m.Type == kind {
			n++
		}
	}
	return n
}

func extendedAsItShould(t *testing.T, c *peertest.Client) {
	assert.Zero(t, c.In.Tolerated().MissingExtended)
	assert.Zero(t, c.In.Tolerated().AbsoluteExtended)
}

func extendedOmitted(t *testing.T, c *peertest.Client) {
	assert.Positive(t, c.In.Tolerated().MissingExtended)
}

// shapedTags returns the tags of the sample in the order and with the timestamps of a shape.
func shapedTags(t *testing.T, shape testserver.Shape) []flv.Tag {
	t.Helper()
	tags := rtmptest.SampleTags(t)
	metadata := []flv.Tag{tags[0]}
	tags = tags[1:]
	if shape.DuplicateMetadata {
		metadata = append(metadata, metadata[0])
	}
	at := 0
	if shape.LateMetadata { // after ten tags, with the timestamp of the tenth
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
			c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{Shape: test.shape, ChunkSize: 300}).Addr())
			c.Play("sample")
			c.Until(isStop)
			want, got := shapedTags(t, test.shape), rtmptest.MediaTags(t, c.Skipped)
			if test.shape.InterleaveAV { // a short message can overtake a long one only on another chunk stream
				slices.SortStableFunc(want, byType)
				slices.SortStableFunc(got, byType)
			}
			rtmptest.EqualTags(t, want, got)
			if test.show != nil {
				test.show(t, c)
			}
		})
	}
}

func byType(a, b flv.Tag) int { return cmp.Compare(b.Type, a.Type) }

// TestShapeAfterTheEnd checks that a shaped recording can be played again after its end, and after other messages on its chunk streams.
func TestShapeAfterTheEnd(t *testing.T) {
	for name, test := range shapes {
		t.Run(name, func(t *testing.T) {
			c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{Shape: test.shape, ChunkSize: 300}).Addr())
			id := c.Play("sample")
			c.Until(isStop)
			c.Tell(id, "seek", 8000)
			c.UntilCode("NetStream.Play.Start")
			c.Until(isStop)
			all := shapedTags(t, test.shape)
			key := slices.IndexFunc(all, func(tag flv.Tag) bool {
				h, err := flv.ParseVideoHeader(tag.Body)
				return tag.Type == flv.TagVideo && err == nil && h.IsKeyFrame() && h.IsFrame() &&
					tag.Timestamp-test.shape.TimestampOffset == 8000
			})
			var want []flv.Tag
			for _, tag := range all[:20] { // metadata and sequence headers, each once, wherever they are
				if tag.Type == flv.TagScript && slices.ContainsFunc(want, func(t flv.Tag) bool { return t.Type == flv.TagScript }) {
					continue
				}
				video, videoErr := flv.ParseVideoHeader(tag.Body)
				audio, audioErr := flv.ParseAudioHeader(tag.Body)
				if tag.Type == flv.TagScript || tag.Type == flv.TagVideo && videoErr == nil && video.IsSequenceHeader() ||
					tag.Type == flv.TagAudio && audioErr == nil && audio.IsSequenceHeader() {
					tag.Timestamp = all[key].Timestamp
					want = append(want, tag)
				}
			}
			want = append(want, all[key:]...)
			got := rtmptest.MediaTags(t, c.Skipped)
			if test.shape.InterleaveAV {
				slices.SortStableFunc(want, byType)
				slices.SortStableFunc(got, byType)
			}
			rtmptest.EqualTags(t, want, got)
		})
	}
}

// TestShapeOfTwoStreams plays two shaped recordings on one connection. Each message is sent at its time, so the messages of both recordings
// alternate on the same chunk streams.
func TestShapeOfTwoStreams(t *testing.T) {
	overPipe(t, testserver.Config{Shape: testserver.Shape{VideoChunkStream: 7}, Realtime: true}, func(t *testing.T, c *peertest.Client) {
		one, two := c.CreateStream(), c.CreateStream()
		c.Tell(one, "play", "sample")
		c.UntilCode("NetStream.Play.Start")
		all := map[uint32][]peertest.Message{}
		for range 30 {
			m := c.Next()
			all[m.StreamID] = append(all[m.StreamID], m)
		}
		c.Tell(two, "play", "sample", 4000)
		for stops := 0; stops < 2; {
			m := c.Next()
			all[m.StreamID] = append(all[m.StreamID], m)
			if isStop(m) {
				stops++
			}
		}
		tags := rtmptest.SampleTags(t)
		rtmptest.EqualTags(t, tags, rtmptest.MediaTags(t, all[one]))
		rtmptest.EqualTags(t, append(headersAt(tags, 4000), tags[keyFrames[2]:]...), rtmptest.MediaTags(t, all[two]))
	})
}

func TestEndSignal(t *testing.T) {
	for name, test := range map[string]struct {
		signal testserver.EndSignal
		end    func(peertest.Message) bool
	}{
		"all":             {testserver.EndAll, isStop},
		"Play.Stop":       {testserver.EndStop, isStop},
		"Play.Complete":   {testserver.EndComplete, func(m peertest.Message) bool { return m.Code == "NetStream.Play.Complete" }},
		"UnpublishNotify": {testserver.EndUnpublishNotify, func(m peertest.Message) bool { return m.Code == "NetStream.Play.UnpublishNotify" }},
		"FCUnsubscribe":   {testserver.EndFCUnsubscribe, func(m peertest.Message) bool { return m.Command.Name == "onFCUnsubscribe" && m.StreamID == 0 }},
		"StreamEOF": {testserver.EndStreamEOF, func(m peertest.Message) bool {
			return m.Type == message.TypeUserControl && m.Event.Event == message.EventStreamEOF
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{Shape: testserver.Shape{EndSignal: test.signal}}).Addr())
			c.Play("sample")
			c.Until(test.end)
			rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.MediaTags(t, c.Skipped))
			before := c.Skipped
			c.Sync()
			assert.Empty(t, c.Skipped, "the last message")
			if test.signal == testserver.EndAll {
				return
			}
			for _, m := range before[len(before)-1:] {
				assert.True(t, m.Type.Media(), "it is the only one")
			}
		})
	}
	t.Run("the connection's end", func(t *testing.T) {
		c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{Shape: testserver.Shape{EndSignal: testserver.EndClose}}).Addr())
		c.Play("sample")
		err := c.UntilGone()
		assert.True(t, errors.Is(err, io.EOF), err)
		rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.MediaTags(t, c.Skipped))
	})
	t.Run("nothing", func(t *testing.T) {
		overPipe(t, testserver.Config{Shape: testserver.Shape{EndSignal: testserver.EndNothing}}, func(t *testing.T, c *peertest.Client) {
			c.Play("sample")
			c.Until(func(m peertest.Message) bool { return m.Type == message.TypeVideo && len(m.Body) == 5 }) // the last message of the sample
			rtmptest.EqualTags(t, rtmptest.SampleTags(t)[:len(rtmptest.SampleTags(t))-1], rtmptest.MediaTags(t, c.Skipped))
			c.Sync()
			assert.Empty(t, c.Skipped)
		})
	})
}
