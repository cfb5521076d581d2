package session

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

func TestEncodePacket(t *testing.T) {
	for name, test := range map[string]struct {
		p    message.Packet
		want chunk.Outgoing
	}{
		"usual chunk stream": {message.Packet{Type: message.TypeVideo}, chunk.Outgoing{Type: 9, ChunkStreamID: ChunkStreamVideo}},
		"its own":            {message.Packet{Type: message.TypeVideo, ChunkStreamID: 9}, chunk.Outgoing{Type: 9, ChunkStreamID: 9}},
		"a whole header":     {message.Packet{Type: 8, Timestamp: 7}, chunk.Outgoing{Type: 8, ChunkStreamID: ChunkStreamMedia, Timestamp: 7}},
		"a difference": {message.Packet{Type: 8, Timestamp: 7, Format: chunk.Format1},
			chunk.Outgoing{Type: 8, ChunkStreamID: ChunkStreamMedia, Timestamp: 7, Format: chunk.Format1, Relative: true}},
		"a time": {message.Packet{Type: 8, Timestamp: 7, Format: chunk.Format1, Absolute: true},
			chunk.Outgoing{Type: 8, ChunkStreamID: ChunkStreamMedia, Timestamp: 7, Format: chunk.Format1}},
	} {
		assert.Equal(t, test.want, EncodePacket(&test.p), name)
	}
}

func TestWhatCannotBeEncoded(t *testing.T) {
	_, err := Command(ChunkStreamCommand, 1, &message.Command{Name: "call", Args: []any{make(chan int)}})
	require.ErrorContains(t, err, "rtmp: call: ")
	o, err := Command(ChunkStreamPlay, 1, &message.Command{Name: "call"})
	require.NoError(t, err)
	assert.EqualValues(t, ChunkStreamPlay, o.ChunkStreamID)
	assert.NotEmpty(t, o.Body)
	_, err = Data(1, "onMetaData", make(chan int))
	require.ErrorContains(t, err, "rtmp: onMetaData: ")
	o, err = Data(1, "onMetaData", 1)
	require.NoError(t, err)
	assert.EqualValues(t, ChunkStreamMedia, o.ChunkStreamID)
	assert.NotEmpty(t, o.Body)
}

// TestCommandAllocates checks that encoding a usual command allocates only the body.
func TestCommandAllocates(t *testing.T) {
	play := &message.Command{Name: "play", TransactionID: 4, Args: []any{"name", 0.0}}
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { Command(ChunkStreamPlay, 1, play) }), 1.0)
}
