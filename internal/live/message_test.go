package live

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
)

// TestEncodedMessages decodes encoded messages with a chunk reader, an FLV reader and Tag. Their lengths and times are on both sides of
// every limit at which the encoding changes.
func TestEncodedMessages(t *testing.T) {
	for _, chunkSize := range []int{1, 128, 4096, 65536} {
		for _, size := range []int{0, 1, 2, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 2*chunkSize + 1, 5*chunkSize - 1} {
			for _, time := range []int64{0, 1<<24 - 2, 1<<24 - 1, 1 << 24, 1<<32 - 1, 1 << 32, 1<<32 + 40, -1} {
				for streamID, typ := range map[uint32]flv.TagType{1: flv.TagVideo, 2: flv.TagAudio, 1 << 31: flv.TagScript} {
					body := make([]byte, size)
					for i := range body {
						body[i] = byte(i*7 + size)
					}
					name := fmt.Sprintf("%v of %d bytes in chunks of %d at %d on stream %d", typ, size, chunkSize, time, streamID)
					testEncoded(t, name, flv.Tag{Type: typ, Timestamp: uint32(time), Body: body}, time, streamID, chunkSize)
				}
			}
		}
	}
	_, err := encode(flv.Tag{Type: flv.TagVideo, Body: make([]byte, chunk.MaxMessageLength+1)}, 0, 4096, nil)
	var tooLong *chunk.Error
	assert.ErrorAs(t, err, &tooLong)
}

func testEncoded(t *testing.T, name string, tag flv.Tag, time int64, streamID uint32, chunkSize int) {
	m, err := encode(tag, time, chunkSize, new(memory))
	require.NoError(t, err, name)
	assert.Equal(t, len(m.bytes), cap(m.bytes), "%s: room that is not used", name)
	assert.Equal(t, tag, m.Tag(), name)
	first, more := m.Pieces()
	if len(more) > 0 {
		assert.GreaterOrEqual(t, len(first.Body), 4<<10, name)
	}
	first.Body = append(first.Body, bytes.Join(more, nil)...)
	assert.Equal(t, tag, first, name)

	want := flv.AppendTag(nil, tag)
	assert.Equal(t, want, bytes.Join(m.AppendFLV(nil), nil), name)

	pieces := m.AppendRTMP(nil, streamID)
	assert.Len(t, pieces, int(min(2, streamID)), name)
	stream := []byte{2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, byte(chunkSize >> 16), byte(chunkSize >> 8), byte(chunkSize)}
	r := chunk.NewReader(bytes.NewReader(append(stream, bytes.Join(pieces, nil)...)), 0)
	var got chunk.Message
	require.NoError(t, r.Next(&got), name)
	require.NoError(t, r.Next(&got), name)
	assert.Equal(t, tag, flv.Tag{Type: flv.TagType(got.Type), Timestamp: got.Timestamp, Body: got.Body()}, name)
	assert.Equal(t, streamID, got.StreamID, name)
	assert.Zero(t, r.Tolerated(), name)
	assert.Error(t, r.Next(&got), "%s: there are bytes after the message", name)
}

func TestRate(t *testing.T) {
	var r rate
	const second = 1_000_000_000
	for _, row := range []struct {
		at    float64
		bytes int
		want  int64
	}{
		{0, 1000, 800}, {0.999, 1000, 1600}, {1, 1000, 2400}, {9.5, 1000, 3200}, {10, 1000, 2400}, {11.5, 0, 1600}, {19, 0, 800},
		{20, 0, 0}, {1e6, 500, 400}, {1e9, 0, 0},
	} {
		assert.Equal(t, row.want, r.add(time.Duration(row.at*second), row.bytes), "%v s", row.at)
	}
}
