package live

import (
	"fmt"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// Chunk streams of shared messages. All other messages must use other chunk streams: their sender writes short
// headers, which refer to the previous message on the same chunk stream.
const (
	chunkStreamMedia = 5 // audio and data
	chunkStreamVideo = 7

	basicHeaderSize   = 1 // of chunk streams below 64
	format0Size       = basicHeaderSize + 11
	extendedSize      = 4
	extendedTimestamp = 0xFFFFFF            // at least this: the value follows in 32 bits, in each chunk (RTMP 1.0 section 5.3.1.3)
	streamIDOffset    = basicHeaderSize + 7 // in a format 0 header, four bytes, little-endian
	sharedStreamID    = 1                   // the one that nearly every client plays on

	messageCost = 192 // approximate memory of a message in addition to its bytes: the struct and its place in the log
)

// encoder makes messages. It is used by one goroutine at a time.
type encoder struct {
	chunks *chunk.Writer
}

func newEncoder(chunkSize int) encoder {
	w := chunk.NewWriter()
	_, err := w.AppendMessage(nil, &chunk.Outgoing{Type: uint8(message.TypeSetChunkSize), ChunkStreamID: 2,
		Body: message.AppendUint32(nil, uint32(chunkSize))})
	if err != nil {
		panic(err) // NewHub has checked the options
	}
	return encoder{w}
}

// encode makes a message of t with a time in milliseconds. It copies the body.
func (e encoder) encode(t flv.Tag, time int64) (*Message, error) {
	m := &Message{header: format0Size, size: len(t.Body), chunkSize: e.chunks.ChunkSize(), typ: t.Type, time: time}
	if uint32(time) >= extendedTimestamp {
		m.header += extendedSize
	}
	continuations := max(0, m.size-1) / m.chunkSize
	m.bytes = make([]byte, flv.TagHeaderSize, flv.TagOverhead+m.header+m.size+continuations*continuationSize(m.header))
	flv.PutTagHeader(m.bytes, t.Type, m.size, uint32(time))

	o := chunk.Outgoing{Type: uint8(t.Type), ChunkStreamID: chunkStreamMedia, StreamID: sharedStreamID, Timestamp: uint32(time),
		Format: chunk.Format0, Body: t.Body}
	if t.Type == flv.TagVideo {
		o.ChunkStreamID = chunkStreamVideo
	}
	var err error
	if m.bytes, err = e.chunks.AppendMessage(m.bytes, &o); err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	var back [flv.PreviousTagSizeLen]byte
	flv.PutPreviousTagSize(back[:], m.size)
	m.bytes = append(m.bytes, back[:]...)
	m.cost = cap(m.bytes) + messageCost
	return m, nil
}

// continuationSize returns the length of the format 3 headers of a message whose first header has the given length.
func continuationSize(header int) int { return basicHeaderSize + header - format0Size }
