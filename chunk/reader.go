package chunk

import (
	"bytes"
	"encoding/binary"
	"io"
)

const (
	// maxPartials is how many messages may be under way at once, one on each chunk stream.
	maxPartials = 256
	// maxPartialMessages bounds the memory of unfinished messages, in units of the largest message.
	maxPartialMessages = 2
	// minBody is the smallest body that is made room for, in bytes.
	minBody = 512
	// maxStreamBytes bounds the memory of chunk streams: the format has 65,598, and nobody uses more than some dozens.
	maxStreamBytes = 1 << 20
	// streamSize is what a stream takes with its place in a map, about.
	streamSize = 128
	// absoluteWindow is how close to the last message, in ms, an extended value in a format 1 or 2 header must lie to
	// be taken for an absolute time: SRS before 7.0.52 and lal write one where the specification has a delta.
	absoluteWindow = 10_000
)

// Tolerated counts what was wrong on the wire and read all the same.
type Tolerated struct {
	MissingExtended  uint64 // format 3 chunks without the extended timestamp that section 5.3.1.3 asks for
	AbsoluteExtended uint64 // extended timestamps of format 1, 2 or 3 that were absolute
	ImplicitAborts   uint64 // messages dropped because a new one began on their chunk stream
	Aborts           uint64 // messages dropped by Abort; legal, counted here for the log
}

// Reader reads messages from chunks. Set Chunk Size and Abort act on it by themselves and are returned like any message.
// It is used by one goroutine at a time.
type Reader struct {
	src       io.Reader
	vectored  Vectored // src, if it can do that; else nil
	in        *buffer  // what buf lies in; nil: there is none
	buf       []byte   // buf[pos:end] is read and not yet parsed
	pos, end  int
	size      int // of the next buf of a source that is not Vectored, in bytes
	chunkSize int
	maxSize   int

	low     [64]*stream // by chunk stream id; nearly everybody uses ids below 64
	high    map[uint32]*stream
	current *stream // in the middle of a chunk's payload
	left    int     // payload bytes of that chunk still to come

	partial   []*stream // with a message under way
	held      int       // bytes of memory of those messages
	longest   int       // of the messages that were put together, in bytes
	lent      *buffer   // what the last Message's body lies in, returned at the next call
	scatter   scatter
	tolerated Tolerated
	srcErr    error // came together with bytes; due once they are parsed
	err       error // first violation: sticky
}

// stream is what the format keeps for each chunk stream: the header "as before", and the message under way.
type stream struct {
	id         uint32
	begun      bool   // a header was seen, so formats 1 to 3 have a predecessor
	timestamp  uint32 // absolute time of the last message
	delta      uint32 // what a format 3 chunk that starts a message adds
	length     uint32
	typ        uint8
	streamID   uint32
	format     Format // of the message under way
	extended   bool   // the last format 0, 1 or 2 header had an extended timestamp
	extension  uint32 // its value
	omits      bool   // the peer was seen to leave the extended timestamp out of format 3 chunks
	partial    bool
	body       *buffer
	scanned    uint32  // bytes of the message under way that a Scanner has passed
	basicBytes [3]byte // basic header of a continuation chunk in the form the peer used last
	basicSize  int
}

// NewReader returns a Reader of src. A message longer than maxMessageSize bytes is an *Error; 0 and anything above
// MaxMessageLength mean MaxMessageLength.
func NewReader(src io.Reader, maxMessageSize int) *Reader {
	vectored, _ := src.(Vectored)
	return &Reader{src: src, vectored: vectored, size: minRead, chunkSize: DefaultChunkSize, maxSize: clampMessageSize(maxMessageSize)}
}

// ChunkSize is the peer's current chunk size in bytes.
func (r *Reader) ChunkSize() int { return r.chunkSize }

// Tolerated returns the counts so far.
func (r *Reader) Tolerated() Tolerated { return r.tolerated }

// Next reads the next message, blocking in the source as long as it takes. An error of the source is returned as it is,
// io.EOF inside a message as io.ErrUnexpectedEOF; call Next again to go on where it stopped. An *Error is final.
func (r *Reader) Next(m *Message) error {
	for {
		ok, err := r.NextBuffered(m)
		if ok || err != nil {
			return err
		}
		if err := r.Fill(); err != nil {
			return err
		}
	}
}

// NextBuffered is Next without reading from the source: ok is false when the bytes already read hold no whole message.
func (r *Reader) NextBuffered(m *Message) (ok bool, err error) {
	r.takeBack()
	for r.err == nil {
		if r.current == nil {
			s, more := r.header()
			switch {
			case s == nil || r.err != nil:
				return false, r.err
			case more:
				r.resume(s)
			case r.view(s, m):
				return true, r.control(m)
			default:
				r.begin(s)
			}
			continue
		}
		s := r.current
		if r.gather() {
			r.finish(s, m)
			return true, r.control(m)
		}
		if r.current != nil {
			return false, r.err
		}
	}
	return false, r.err
}

func (r *Reader) sourceError(err error) error {
	if err == io.EOF && (len(r.partial) > 0 || r.current != nil || r.end > r.pos) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// header parses one chunk header and applies it. more tells a continuation from a new message. s is nil when the buffer
// does not hold the whole header yet: nothing is consumed then.
func (r *Reader) header() (s *stream, more bool) {
	b := r.buf[r.pos:r.end]
	f, id, size := basicHeader(b)
	if size == 0 || len(b) < size+messageHeaderSize[f] {
		return nil, false
	}
	if s = r.stream(id); s == nil {
		return nil, false
	}
	if !s.begun && f != Format0 && f != Format1 {
		r.fail("first chunk of a chunk stream has no header of its own, chunk stream", id)
		return nil, false
	}
	if f == Format3 {
		return r.bareHeader(s, b, size)
	}
	h := b[size:]
	size += messageHeaderSize[f]
	field := be24(h)
	extended := field == extendedMark
	if extended {
		if len(b) < size+4 {
			return nil, false
		}
		field = binary.BigEndian.Uint32(b[size:])
		size += 4
	}
	length, typ := s.length, s.typ
	if f != Format2 {
		length, typ = be24(h[3:]), h[6]
	}
	if length > uint32(r.maxSize) {
		r.fail("message length exceeds the limit", length)
		return nil, false
	}
	if s.partial {
		// Some senders repeat the header in mid-message; with any other length or type it is a new message.
		if f != Format0 && length == s.length && typ == s.typ {
			r.pos += size
			return s, true
		}
		r.drop(s)
		r.tolerated.ImplicitAborts++
	}
	if f == Format0 {
		s.streamID = binary.LittleEndian.Uint32(h[7:])
		s.timestamp, s.delta = field, field // a format 3 message right after adds it again (section 5.3.1.2.4)
	} else {
		r.advance(s, field, extended)
	}
	s.begun, s.format, s.length, s.typ = true, f, length, typ
	s.extended, s.extension = extended, field
	s.basicSize = copy(s.basicBytes[:], b[:len(b)-len(h)])
	s.basicBytes[0] |= byte(Format3) << 6
	r.pos += size
	return s, false
}

// bareHeader is header for format 3, whose only doubt is whether an extended timestamp follows (section 5.3.1.3 says it
// does whenever the header before had one; senders written to the 2009 text leave it out).
func (r *Reader) bareHeader(s *stream, b []byte, size int) (*stream, bool) {
	if s.extended {
		present, known := s.extensionFollows(b[size:])
		if !known {
			return nil, false
		}
		switch {
		case present && len(b) < size+4:
			return nil, false
		case present:
			if !s.partial {
				s.extension = binary.BigEndian.Uint32(b[size:])
			}
			size += 4
		default:
			s.omits = true
			r.tolerated.MissingExtended++
		}
	}
	r.pos += size
	if s.partial {
		return s, true
	}
	s.format = Format3
	if s.extended && !s.omits {
		r.advance(s, s.extension, true)
	} else {
		s.timestamp += s.delta
	}
	return s, false
}

// extensionFollows compares the bytes after a format 3 basic header with what an extended timestamp would hold there:
// the value of the header before, or, for senders like SRS, the message's absolute time.
func (s *stream) extensionFollows(b []byte) (present, known bool) {
	var want [2][4]byte
	binary.BigEndian.PutUint32(want[0][:], s.extension)
	binary.BigEndian.PutUint32(want[1][:], s.timestamp)
	for i := range want {
		n := min(4, len(b))
		if bytes.Equal(b[:n], want[i][:n]) {
			return true, n == 4
		}
	}
	// Equal to neither. In mid-message it is payload. Where a message begins it may be a new value, unless this peer is
	// known to leave the field out.
	return !s.partial && !s.omits, true
}

// advance moves the chunk stream's clock by a delta, unless an extended value can only be an absolute time.
func (r *Reader) advance(s *stream, delta uint32, extended bool) {
	if distance := delta - s.timestamp; extended && s.begun && distance < absoluteWindow && s.timestamp != 0 {
		r.tolerated.AbsoluteExtended++
		delta = distance
	}
	s.timestamp += delta
	s.delta = delta
}

// stream returns the state of a chunk stream, which it makes if need be; nil: there are too many.
func (r *Reader) stream(id uint32) *stream {
	s := r.known(id)
	switch {
	case s != nil:
		return s
	case id < uint32(len(r.low)):
		s = &stream{id: id}
		r.low[id] = s
		return s
	case (len(r.high)+1)*streamSize > maxStreamBytes:
		r.fail("memory of chunk streams, bytes", (len(r.high)+1)*streamSize)
		return nil
	case r.high == nil:
		r.high = make(map[uint32]*stream)
	}
	s = &stream{id: id}
	r.high[id] = s
	return s
}

// known is stream for one that was used before; nil: it was not.
func (r *Reader) known(id uint32) *stream {
	if id < uint32(len(r.low)) {
		return r.low[id]
	}
	return r.high[id]
}

// view hands out a message that lies in the buffer as a whole, in chunks with nothing between them, without copying it.
func (r *Reader) view(s *stream, m *Message) bool {
	length, gap := int(s.length), s.basicSize
	wire := length
	if length > r.chunkSize {
		if s.extended {
			return false // its continuation headers vary in size
		}
		wire += (length - 1) / r.chunkSize * gap
	}
	if wire > r.end-r.pos {
		return false
	}
	raw := r.buf[r.pos : r.pos+wire]
	for at := r.chunkSize; at < wire; at += r.chunkSize + gap {
		if raw[at] != s.basicBytes[0] || gap > 1 && !bytes.Equal(raw[at:at+gap], s.basicBytes[:gap]) {
			return false // another chunk stream comes between
		}
	}
	r.pos += wire
	*m = Message{Type: s.typ, Format: s.format, ChunkStreamID: s.id, StreamID: s.streamID, Timestamp: s.timestamp,
		raw: raw, length: length, reader: r}
	if wire > length {
		m.stride, m.gap = r.chunkSize, gap
	}
	return true
}

func (r *Reader) finish(s *stream, m *Message) {
	*m = Message{Type: s.typ, Format: s.format, ChunkStreamID: s.id, StreamID: s.streamID, Timestamp: s.timestamp,
		raw: s.body.bytes, length: len(s.body.bytes), reader: r}
	r.lent = s.body
	r.longest = max(r.longest, m.length)
	r.forget(s)
}

// control applies the two messages that change how chunks are read (sections 5.4.1 and 5.4.2).
func (r *Reader) control(m *Message) error {
	if m.Type != typeSetChunkSize && m.Type != typeAbort || m.length < 4 {
		return nil
	}
	v := binary.BigEndian.Uint32(m.Body())
	if m.Type == typeAbort {
		if v > MaxChunkStreamID {
			return nil
		}
		if s := r.known(v); s != nil && s.partial {
			r.drop(s)
			r.tolerated.Aborts++
		}
		return nil
	}
	if v == 0 || v >= 1<<31 {
		return r.fail("chunk size out of range", v)
	}
	r.chunkSize = int(min(v, MaxMessageLength)) // larger ones are all the same: no message is longer
	return nil
}

func (r *Reader) fail(detail string, value any) error {
	r.err = &Error{Detail: detail, Value: value}
	return r.err
}
