package testserver

import (
	"encoding/binary"
	"slices"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Shape says how recordings are sent, where servers differ from each other or from the specification. The media and its
// order are always those of the file, except that with InterleaveAV a short message overtakes a long one on another chunk
// stream. The zero value sends nothing unusual.
type Shape struct {
	AudioChunkStream uint32 // chunk stream id of audio and metadata, 4..65599; 0: 4
	VideoChunkStream uint32 // chunk stream id of video and aggregates, 4..65599; 0: 6

	OmitExtendedType3 bool // leave extended timestamps out of format 3 chunks, as senders written to the text of 2009 do
	AbsoluteExtended  bool // put absolute times where extended format 1 headers have a delta, as SRS before 7.0.52 does
	InterleaveAV      bool // send the chunks of neighbouring messages by turns
	ChunkSizeEvery    int  // change the chunk size after so many messages, in the middle of the next long one; 0: never
	AbortEvery        int  // begin a message and abort it, after so many messages; 0: never
	UnknownTypes      bool // send messages and user control events of unknown types in between
	Aggregate         int  // pack so many tags into an aggregate message; 0 and 1: none

	TimestampOffset   uint32 // added to all timestamps modulo 2^32, ms
	DuplicateMetadata bool   // send metadata twice
	LateMetadata      bool   // send metadata after the first pictures
	EndSignal         EndSignal
}

// EndSignal is how the end of a recording is told.
type EndSignal int

const (
	EndAll             EndSignal = iota // StreamEOF, onPlayStatus NetStream.Play.Complete, NetStream.Play.Stop
	EndStop                             // onStatus NetStream.Play.Stop
	EndComplete                         // onStatus NetStream.Play.Complete
	EndUnpublishNotify                  // onStatus NetStream.Play.UnpublishNotify
	EndFCUnsubscribe                    // the call onFCUnsubscribe
	EndStreamEOF                        // the user control event StreamEOF
	EndClose                            // nothing but the end of the TCP connection
	EndNothing                          // nothing at all
)

// lateBy is how many tags go ahead of late metadata.
const lateBy = 10

// arrange puts the tags of a recording in the order in which they are sent. tags itself stays as it is.
func (s Shape) arrange(tags []flv.Tag) []flv.Tag {
	if !s.DuplicateMetadata && !s.LateMetadata {
		return tags
	}
	var scripts, arranged []flv.Tag
	for _, tag := range tags {
		if tag.Type != flv.TagScript {
			arranged = append(arranged, tag)
			continue
		}
		copies := []flv.Tag{tag}
		if s.DuplicateMetadata {
			copies = append(copies, tag)
		}
		if s.LateMetadata && len(arranged) < lateBy {
			scripts = append(scripts, copies...)
		} else {
			arranged = append(arranged, copies...)
		}
	}
	at := min(lateBy, len(arranged))
	for i := range scripts {
		if at > 0 {
			scripts[i].Timestamp = arranged[at-1].Timestamp
		}
	}
	return slices.Insert(arranged, at, scripts...)
}

// shaper turns tags into messages as a Shape says, and the messages into chunks. Its owner holds the write lock.
type shaper struct {
	shape Shape
	out   *chunk.Writer         // the session's, during append: for control messages, and what knows the chunk size
	last  map[uint32]sentHeader // the session's, since all its streams share the chunk streams

	count, sizes, unknowns int  // messages, changes of the chunk size and unknown messages so far
	resize                 bool // a change of the chunk size is due
}

// newShaper returns nil if nothing is unusual about the messages.
func newShaper(shape Shape, last map[uint32]sentHeader) *shaper {
	usual := Shape{EndSignal: shape.EndSignal, DuplicateMetadata: shape.DuplicateMetadata, LateMetadata: shape.LateMetadata}
	if shape == usual {
		return nil
	}
	if shape.AudioChunkStream == 0 {
		shape.AudioChunkStream = 4
	}
	if shape.VideoChunkStream == 0 {
		shape.VideoChunkStream = 6
	}
	return &shaper{shape: shape, last: last}
}

// append appends tags as messages on a stream.
func (s *shaper) append(dst []byte, out *chunk.Writer, streamID uint32, tags []flv.Tag) ([]byte, error) {
	s.out = out
	messages := s.messages(streamID, tags)
	for len(messages) > 0 {
		var err error
		if dst, err = s.between(dst, streamID); err != nil {
			return nil, err
		}
		n := 1
		for s.shape.InterleaveAV && n < len(messages) && n < 2 && messages[n].id != messages[0].id {
			n++
		}
		if dst, err = s.chunks(dst, messages[:n]); err != nil {
			return nil, err
		}
		messages = messages[n:]
	}
	return dst, nil
}

// messages are what the tags are sent as.
func (s *shaper) messages(streamID uint32, tags []flv.Tag) []*shaped {
	var messages []*shaped
	group := max(1, s.shape.Aggregate)
	for len(tags) > 0 {
		n := min(group, len(tags))
		m := &shaped{typ: uint8(tags[0].Type), id: s.shape.AudioChunkStream, streamID: streamID,
			timestamp: tags[0].Timestamp + s.shape.TimestampOffset, body: tags[0].Body}
		if tags[0].Type == flv.TagVideo {
			m.id = s.shape.VideoChunkStream
		}
		if n > 1 {
			m.typ, m.id, m.body = uint8(message.TypeAggregate), s.shape.VideoChunkStream, nil
			for _, tag := range tags[:n] { // with the file's own times: they count from the first
				m.body = flv.AppendTag(m.body, tag)
			}
		}
		messages = append(messages, m)
		tags = tags[n:]
	}
	return messages
}

// between appends what the Shape wants between messages.
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

// unknown are messages that a client should skip: types that do not exist, and user control events that do not or that
// are longer and shorter than they should be.
var unknown = []chunk.Outgoing{
	{Type: 7, ChunkStreamID: 3, Body: []byte("?")},
	{Type: uint8(message.TypeUserControl), ChunkStreamID: 2, Body: []byte{0, 99, 1, 2, 3, 4}},
	{Type: 99, ChunkStreamID: 3, Body: []byte("unknown")},
	{Type: uint8(message.TypeUserControl), ChunkStreamID: 2, Body: []byte{0, 28}},
	{Type: 21, ChunkStreamID: 3},
	{Type: uint8(message.TypeUserControl), ChunkStreamID: 2, Body: []byte{0xFF, 0xFF, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
	{Type: 255, ChunkStreamID: 3, StreamID: 77, Body: []byte{0, 0, 0, 0}},
}

// sizes are the chunk sizes that ChunkSizeEvery goes through, in bytes. They are small enough for most messages to have
// several chunks.
var sizes = []uint32{300, 17, 1000, 128, 64}

// abort begins a video message, sends its first chunk, and aborts it.
func (s *shaper) abort(dst []byte, streamID uint32) ([]byte, error) {
	bogus := &shaped{typ: uint8(message.TypeVideo), id: s.shape.VideoChunkStream, streamID: streamID,
		timestamp: s.shape.TimestampOffset, body: make([]byte, s.out.ChunkSize()+1)}
	if len(bogus.body) > chunk.MaxMessageLength {
		return dst, nil // nothing fills a chunk
	}
	dst = s.appendChunk(dst, bogus)
	delete(s.last, bogus.id) // a whole header next: peers differ in whether an aborted one counts
	o := session.Control(message.TypeAbort, message.AppendUint32(nil, bogus.id))
	return s.out.AppendMessage(dst, &o)
}

// chunks appends the chunks of messages on different chunk streams by turns.
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

// shaped is a message on its way.
type shaped struct {
	typ                     uint8
	id, streamID, timestamp uint32 // id is the chunk stream's
	body                    []byte // what was not sent yet
	begun                   bool
	extension               []byte // the extended timestamp of its header, if it has one
}

// sentHeader is what the next header on a chunk stream refers to.
type sentHeader struct {
	timestamp, streamID, length uint32
	typ                         uint8
}

// extended is the value of the 24-bit timestamp field that says that the real one follows in 32 bits.
const extended = 0xFFFFFF

// appendChunk appends a message's next chunk. It writes the headers itself, since chunk.Writer makes correct ones only.
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

// appendHeader appends the header of a message's first chunk (RTMP 1.0 section 5.3.1). With OmitExtendedType3 all are of
// format 0, since a delta is never extended.
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
