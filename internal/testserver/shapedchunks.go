package testserver

import (
	"encoding/binary"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// between appends the additional messages that the Shape inserts between two messages.
func (s *shaper) between(dst []byte, streamID uint32) (_ []byte, err error) {
	s.count++
	every := func(n int) bool { return n > 0 && s.count%n == 0 }
	if every(s.shape.ChunkSizeEvery) {
		s.resize = true
	}
	if every(s.shape.AbortEvery) {
		if dst, err = s.abort(dst, streamID); err != nil {
			return nil, err
		}
	}
	if s.shape.UnknownTypes && every(5) {
		o := unknown[s.unknowns%len(unknown)]
		s.unknowns++
		return s.out.AppendMessage(dst, &o)
	}
	return dst, nil
}

// unknown contains messages that a client should skip: unknown types, unknown user control events, and known events that are
// too long or too short.
var unknown = []chunk.Outgoing{
	{Type: 7, ChunkStreamID: 3, Body: []byte("?")},
	{Type: uint8(message.TypeUserControl), ChunkStreamID: 2, Body: []byte{0, 99, 1, 2, 3, 4}},
	{Type: 99, ChunkStreamID: 3, Body: []byte("unknown")},
	{Type: uint8(message.TypeUserControl), ChunkStreamID: 2, Body: []byte{0, 28}},
	{Type: 21, ChunkStreamID: 3},
	{Type: uint8(message.TypeUserControl), ChunkStreamID: 2, Body: []byte{0xFF, 0xFF, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
	{Type: 255, ChunkStreamID: 3, StreamID: 77, Body: []byte{0, 0, 0, 0}},
}

// sizes contains the chunk sizes that ChunkSizeEvery uses in turn, in bytes. They are small, so that most messages have several chunks.
var sizes = []uint32{300, 17, 1000, 128, 64}

// abort begins a video message, sends its first chunk, and aborts it.
func (s *shaper) abort(dst []byte, streamID uint32) ([]byte, error) {
	bogus := &shaped{typ: uint8(message.TypeVideo), id: s.shape.VideoChunkStream, streamID: streamID,
		timestamp: s.shape.TimestampOffset, body: make([]byte, s.out.ChunkSize()+1)}
	if len(bogus.body) > chunk.MaxMessageLength {
		return dst, nil // every message fits in one chunk
	}
	dst = s.appendChunk(dst, bogus)
	delete(s.last, bogus.id) // send a full header next, since peers differ in whether they use the header of an aborted message
	o := session.Control(message.TypeAbort, message.AppendUint32(nil, bogus.id))
	return s.out.AppendMessage(dst, &o)
}

// chunks appends messages on different chunk streams, with their chunks interleaved.
func (s *shaper) chunks(dst []byte, messages []*shaped) (_ []byte, err error) {
	for open := true; open; {
		open = false
		for _, m := range messages {
			if m.begun && len(m.body) == 0 {
				continue
			}
			dst = s.appendChunk(dst, m)
			if len(m.body) == 0 {
				continue
			}
			open = true
			if s.resize {
				o := session.Control(message.TypeSetChunkSize, message.AppendUint32(nil, sizes[s.sizes%len(sizes)]))
				if dst, err = s.out.AppendMessage(dst, &o); err != nil {
					return nil, err
				}
				s.sizes++
				s.resize = false
			}
		}
	}
	return dst, nil
}

// shaped is a message being sent.
type shaped struct {
	typ                     uint8
	id, streamID, timestamp uint32 // id is the chunk stream id
	body                    []byte // not sent yet
	begun                   bool
	extension               []byte // the extended timestamp, if any
}

// sentHeader is the previous header on a chunk stream.
type sentHeader struct {
	timestamp, streamID, length uint32
	typ                         uint8
}

// extended in the 24-bit timestamp field means that the value follows in 32 bits.
const extended = 0xFFFFFF

// appendChunk appends the next chunk of a message. It encodes headers itself, since chunk.Writer writes only correct headers.
func (s *shaper) appendChunk(dst []byte, m *shaped) []byte {
	if m.begun {
		dst = appendBasicHeader(dst, chunk.Format3, m.id)
		if !s.shape.OmitExtendedType3 {
			dst = append(dst, m.extension...)
		}
	} else {
		dst = s.appendHeader(dst, m)
		m.begun = true
	}
	n := min(len(m.body), s.out.ChunkSize())
	dst = append(dst, m.body[:n]...)
	m.body = m.body[n:]
	return dst
}

// appendHeader appends the header of a message's first chunk (RTMP 1.0 section 5.3.1). With OmitExtendedType3 the format is always 0, so
// that no delta is extended.
func (s *shaper) appendHeader(dst []byte, m *shaped) []byte {
	last, known := s.last[m.id]
	s.last[m.id] = sentHeader{timestamp: m.timestamp, streamID: m.streamID, length: uint32(len(m.body)), typ: m.typ}
	format, field := chunk.Format0, m.timestamp
	delta := m.timestamp - last.timestamp
	switch {
	case !known || last.streamID != m.streamID || delta >= extended || s.shape.OmitExtendedType3:
	case s.shape.AbsoluteExtended && m.timestamp >= extended:
		format = chunk.Format1
	case last.length != uint32(len(m.body)) || last.typ != m.typ:
		format, field = chunk.Format1, delta
	default:
		format, field = chunk.Format2, delta
	}
	dst = appendBasicHeader(dst, format, m.id)
	dst = append24(dst, min(field, extended))
	if format < chunk.Format2 {
		dst = append(append24(dst, uint32(len(m.body))), m.typ)
	}
	if format == chunk.Format0 {
		dst = binary.LittleEndian.AppendUint32(dst, m.streamID)
	}
	if field >= extended {
		m.extension = binary.BigEndian.AppendUint32(nil, field)
		dst = append(dst, m.extension...)
	}
	return dst
}

func append24(dst []byte, v uint32) []byte { return append(dst, byte(v>>16), byte(v>>8), byte(v)) }

// appendBasicHeader appends chunk format and chunk stream id in the shortest of the three forms.
func appendBasicHeader(dst []byte, f chunk.Format, id uint32) []byte {
	switch {
	case id < 64:
		return append(dst, byte(f)<<6|byte(id))
	case id < 320:
		return append(dst, byte(f)<<6, byte(id-64))
	}
	return append(dst, byte(f)<<6|1, byte(id-64), byte((id-64)>>8))
}
