package session

import (
	"iter"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// Message is a received message that the program has not seen yet. Its payload is in Packet.Body or still in the chunk reader's buffer.
type Message struct {
	message.Packet
	Chunks *chunk.Message // contains the payload; nil if Packet.Body does
}

// receive sets m to in.
func (m *Message) receive(in *chunk.Message) {
	m.Chunks, m.Body = in, nil
	m.Type, m.Format, m.ChunkStreamID, m.StreamID = message.Type(in.Type), in.Format, in.ChunkStreamID, in.StreamID
	m.Timestamp, m.Absolute = in.Timestamp, true
}

// Size returns the length of the payload in bytes.
func (m *Message) Size() int {
	if m.Chunks != nil {
		return m.Chunks.Len()
	}
	return len(m.Body)
}

// CopyTo copies the payload into dst, which must have room for Size bytes.
func (m *Message) CopyTo(dst []byte) {
	if m.Chunks != nil {
		m.Chunks.CopyTo(dst)
		return
	}
	copy(dst, m.Body)
}

// CopyAt copies the bytes of the payload that begin at offset off into dst, as far as dst has room. off is at most Size.
func (m *Message) CopyAt(dst []byte, off int) {
	if m.Chunks != nil {
		m.Chunks.CopyAt(dst, off)
		return
	}
	copy(dst, m.Body[off:])
}

// Placed returns how many bytes at the beginning of the payload have been read into the memory that Taker.Place returned.
func (m *Message) Placed() int {
	if m.Chunks == nil {
		return 0
	}
	return m.Chunks.Placed()
}

// CopyPacket sets p to the message, with a copy of the payload in the memory of p.Body if that is large enough. New memory is a quarter larger
// than the payload. Otherwise, each key frame that is a little larger than all before would need new memory again, and leave the old to the
// garbage collector. Assigning the fields one by one takes less time than copying the Packet: a processor waits for fields that were written
// shortly before if it reads them together.
func (m *Message) CopyPacket(p *message.Packet) {
	p.Type, p.Format, p.ChunkStreamID, p.StreamID = m.Type, m.Format, m.ChunkStreamID, m.StreamID
	p.Timestamp, p.Absolute = m.Timestamp, m.Absolute
	if n := m.Size(); n <= cap(p.Body) {
		p.Body = p.Body[:n]
	} else {
		p.Body = make([]byte, n, n+n/4)
	}
	m.CopyTo(p.Body)
}

// Parts returns an iterator over the messages in an aggregate message. An error ends the iteration; see message.Aggregate.
func (m *Message) Parts() iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		for sub, err := range message.Aggregate(m.Timestamp, m.Payload()) {
			part := &Message{Packet: m.Packet}
			part.Type, part.Timestamp, part.Body = sub.Type, sub.Timestamp, sub.Body
			if !yield(part, err) {
				return
			}
		}
	}
}

// Detach transfers ownership of the payload to the caller, if the payload has its own memory; see chunk.Message.
func (m *Message) Detach() (chunk.Detached, bool) {
	if m.Chunks == nil {
		return chunk.Detached{}, false
	}
	return m.Chunks.Detach()
}

// Payload returns the payload in one piece. The result is a view, valid as long as the message is.
func (m *Message) Payload() []byte {
	if m.Chunks != nil {
		return m.Chunks.Body()
	}
	return m.Body
}

// View returns the message as a packet, which is valid as long as m is.
func (m *Message) View() message.Packet {
	p := m.Packet
	p.Body = m.Payload()
	return p
}

// SetPayload replaces the payload.
func (m *Message) SetPayload(b []byte) { m.Body, m.Chunks = b, nil }
