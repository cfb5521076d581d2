package live

import (
	"fmt"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

const (
	sharedStreamID = 1 // the message stream on which nearly every client plays

	messageCost = 192 // approximate memory of a message in addition to its bytes: the struct and its entry in the log
)

// encode makes a Message of t, with the given time in milliseconds. It copies the body into memory of from. If from is nil, the message
// gets memory of its own.
func encode(t flv.Tag, time int64, chunkSize int, from *memory) (*Message, error) {
	if len(t.Body) > chunk.MaxMessageLength {
		return nil, fmt.Errorf("live: %w", &chunk.Error{Detail: "message too long to send", Value: len(t.Body)})
	}
	h := session.PushedHeader(message.Type(t.Type), sharedStreamID, uint32(time), len(t.Body))
	var room [chunk.MaxHeaderSize]byte
	header, continuation := len(h.Append(room[:0])), len(h.AppendContinuation(room[:0]))
	continuations := max(0, len(t.Body)-1) / chunkSize
	size := flv.TagOverhead + header + len(t.Body) + continuations*continuation
	m := unusedMessages.Get().(*Message)
	m.header, m.continuation, m.size, m.chunkSize, m.typ, m.time = header, continuation, len(t.Body), chunkSize, t.Type, time
	if from != nil {
		m.bytes, m.slab = from.take(size)
	} else {
		m.bytes = make([]byte, 0, size)
	}
	m.bytes = m.bytes[:flv.TagHeaderSize]
	flv.PutTagHeader(m.bytes, t.Type, m.size, uint32(time))
	m.bytes = h.AppendBody(h.Append(m.bytes), t.Body, chunkSize)
	var back [flv.PreviousTagSizeLen]byte
	flv.PutPreviousTagSize(back[:], m.size)
	m.bytes = append(m.bytes, back[:]...)
	m.cost = size + messageCost
	return m, nil
}

// chunkHeader returns the header of m's first chunk on a message stream.
func (m *Message) chunkHeader(streamID uint32) chunk.Header {
	return session.PushedHeader(message.Type(m.typ), streamID, uint32(m.time), m.size)
}
