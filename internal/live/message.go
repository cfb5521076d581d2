package live

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// Message is a message of a stream, encoded once for all players. It must not be modified, and may be kept unless it comes from
// Publisher.Collect.
//
// The RTMP form and the FLV form are slices of the same bytes. If the body is longer than a chunk, it is interrupted by the headers of the
// second and later chunks (1 byte each, or 5 with an extended timestamp). The FLV form then consists of several slices, without these
// headers:
//
//	+----------------+---------------+------------+---+-- - - --+--------------+
//	| FLV tag header | format 0      | body       | 3 |  body   | back pointer |
//	| 11             | 12 or 16      | <= a chunk | 1 |         | 4            |
//	+----------------+---------------+------------+---+-- - - --+--------------+
//	                 |<--------------- RTMP ----------------->|
type Message struct {
	bytes        []byte
	header       int // length of the format 0 header
	continuation int // length of the format 3 headers
	size         int // size of the body in bytes
	chunkSize    int
	cost         int   // approximate memory in the log, in bytes
	slab         *slab // memory of bytes; nil if it is not shared

	typ   flv.TagType
	time  int64 // time of the stream in milliseconds; may exceed 32 bits
	kind  flv.Kind
	track uint8 // track of a video frame

	sequence uint64
	at       time.Duration // time of arrival, by the hub's clock
	from     *publication  // nil for repeated headers
	headers  *headerSet    // the headers that a player needs before this message if it begins with this message
	key      bool          // a player may begin with this message
	repeated bool          // a header that players of the previous publication already have
	pinned   bool          // see pin; guarded by stream.mu
}

// Tag returns the message as an FLV tag with the stream's time. If the body is longer than a chunk, each call of Tag makes a copy of the
// body without the chunk headers.
func (m *Message) Tag() flv.Tag {
	t := flv.Tag{Type: m.typ, Timestamp: uint32(m.time)}
	if body := m.bytes[flv.TagHeaderSize+m.header:]; m.size <= m.chunkSize {
		t.Body = body[:m.size:m.size]
		return t
	}
	body := make([]byte, 0, m.size+flv.PreviousTagSizeLen)
	for _, piece := range m.AppendFLV(nil)[1:] {
		body = append(body, piece...)
	}
	t.Body = body[:m.size:m.size]
	return t
}

// Pieces is like Tag, but never copies. If the body is longer than a chunk, t.Body is only its first piece, of at least 4 KiB, and more
// contains the other pieces.
func (m *Message) Pieces() (t flv.Tag, more [][]byte) {
	if m.size <= m.chunkSize || m.chunkSize < 4<<10 {
		return m.Tag(), nil
	}
	more = m.AppendFLV(nil)[1:]
	last := &more[len(more)-1]
	*last = (*last)[:len(*last)-flv.PreviousTagSizeLen]
	return flv.Tag{Type: m.typ, Timestamp: uint32(m.time), Body: more[0]}, more[1:]
}

// AppendFLV appends to dst the slices that make up the message in an FLV file, including the back pointer. All callers share the bytes. A
// body that is longer than a chunk consists of several slices.
func (m *Message) AppendFLV(dst [][]byte) [][]byte {
	dst = append(dst, m.bytes[:flv.TagHeaderSize:flv.TagHeaderSize])
	rest := m.bytes[flv.TagHeaderSize+m.header:]
	for left := m.size; left > m.chunkSize; left -= m.chunkSize {
		dst = append(dst, rest[:m.chunkSize:m.chunkSize])
		rest = rest[m.chunkSize+m.continuation:]
	}
	return append(dst, rest[:len(rest):len(rest)])
}

// AppendRTMP appends to dst the slices that make up the message as chunks of a message stream. For message stream 1 this is one slice,
// which all callers share. For other message streams there are two slices, and the first is newly allocated.
func (m *Message) AppendRTMP(dst [][]byte, streamID uint32) [][]byte {
	end := len(m.bytes) - flv.PreviousTagSizeLen
	chunks := m.bytes[flv.TagHeaderSize:end:end]
	if streamID == sharedStreamID {
		return append(dst, chunks)
	}
	h := m.chunkHeader(streamID)
	return append(dst, h.Append(make([]byte, 0, m.header)), chunks[m.header:])
}

// Size returns the length of the body in bytes.
func (m *Message) Size() int { return m.size }

// Key reports whether the message is a key frame with which a player may begin.
func (m *Message) Key() bool { return m.key }

// Header reports whether the message is metadata or a decoder configuration.
func (m *Message) Header() bool { return m.kind == flv.KindHeader }

// Sequence returns the number of the message in the stream, from 1 on without gaps. It returns 0 for headers that are repeated for a player
// that has joined or has missed messages.
func (m *Message) Sequence() uint64 { return m.sequence }
