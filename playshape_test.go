package rtmp

import (
	"cmp"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestEveryShape plays a recording from servers that send it in different ways. The file must be the same, except for what the server has
// changed.
func TestEveryShape(t *testing.T) {
	original := rtmptest.SampleTags(t)
	for name, shape := range map[string]testserver.Shape{
		"high chunk streams":          {AudioChunkStream: 65599, VideoChunkStream: 320},
		"two-byte chunk streams":      {AudioChunkStream: 64, VideoChunkStream: 319},
		"interleaved":                 {InterleaveAV: true},
		"chunk size changes":          {ChunkSizeEvery: 7},
		"aborts":                      {AbortEvery: 5},
		"unknown types":               {UnknownTypes: true},
		"aggregates":                  {Aggregate: 9},
		"across 2^24":                 {TimestampOffset: 1<<24 - 5000},
		"across 2^24, omitted":        {TimestampOffset: 1<<24 - 5000, OmitExtendedType3: true},
		"after 2^24":                  {TimestampOffset: 1 << 25},
		"after 2^24, omitted":         {TimestampOffset: 1 << 25, OmitExtendedType3: true},
		"after 2^24, absolute":        {TimestampOffset: 1 << 25, AbsoluteExtended: true},
		"across 2^31":                 {TimestampOffset: 1<<31 - 5000},
		"across 2^32":                 {TimestampOffset: 1<<32 - 5000},
		"across 2^32, omitted":        {TimestampOffset: 1<<32 - 5000, OmitExtendedType3: true},
		"aggregates across 2^32":      {TimestampOffset: 1<<32 - 5000, Aggregate: 5},
		"everything at once":          {InterleaveAV: true, ChunkSizeEvery: 3, AbortEvery: 4, UnknownTypes: true, TimestampOffset: 1<<24 - 3000},
		"duplicate metadata":          {DuplicateMetadata: true},
		"late metadata":               {LateMetadata: true},
		"end: Play.Stop":              {EndSignal: testserver.EndStop},
		"end: Play.Complete":          {EndSignal: testserver.EndComplete},
		"end: UnpublishNotify":        {EndSignal: testserver.EndUnpublishNotify},
		"end: onFCUnsubscribe":        {EndSignal: testserver.EndFCUnsubscribe},
		"end: StreamEOF":              {EndSignal: testserver.EndStreamEOF},
		"end: the connection's alone": {EndSignal: testserver.EndClose},
	} {
		t.Run(name, func(t *testing.T) {
			s := rtmptest.Server(t, testserver.Config{Shape: shape, ChunkSize: 300})
			file, err := download(conntest.Context(t), s.URL("vod", "sample"), nil, nil)
			if shape.EndSignal == testserver.EndClose {
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			} else {
				require.NoError(t, err)
			}
			want := slices.Clone(original)
			switch {
			case shape.DuplicateMetadata:
				want = slices.Insert(want, 0, want[0])
			case shape.LateMetadata: // after ten tags, with the timestamp of the last
				late := want[0]
				late.Timestamp = want[10].Timestamp
				want = slices.Insert(want[1:], 10, late)
			}
			for i := range want {
				want[i].Timestamp += shape.TimestampOffset
			}
			got := rtmptest.Tags(t, file)
			if shape.InterleaveAV { // a short message may overtake a long one
				slices.SortStableFunc(want, byTimeAndType)
				slices.SortStableFunc(got, byTimeAndType)
			}
			require.Len(t, got, len(want))
			for i := range want {
				require.Equal(t, want[i], got[i], "tag %d", i)
			}
		})
	}
}

func byTimeAndType(a, b flv.Tag) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(int32(a.Timestamp-b.Timestamp), 0))
}

// TestNoEndSignal checks that a read times out if the server does not signal the end, and that all media was returned before.
func TestNoEndSignal(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{Shape: testserver.Shape{EndSignal: testserver.EndNothing}})
	file, err := download(conntest.Context(t), s.URL("vod", "sample"), &Options{Timeout: 300e6}, nil)
	require.ErrorContains(t, err, "timed out")
	assert.Equal(t, testserver.Sample, file)
}
