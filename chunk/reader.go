package chunk

import (
	"bytes"
	"encoding/binary"
	"io"
)

const (
	// maxPartials is the maximum number of unfinished messages. Each chunk stream has at most one.
	maxPartials = 256
	// maxPartialMessages limits the memory of unfinished messages, in multiples of the largest message.
	maxPartialMessages = 2
	// minBody is the minimum size of the memory that is allocated for a body, in bytes.
	minBody = 512
	// maxStreamBytes limits the memory of chunk streams. The format allows 65,598 of them, but real peers use at most some dozens.
	maxStreamBytes = 1 << 20
	// streamSize is the approximate size of a stream and its map entry, in bytes.
	streamSize = 128
	// absoluteWindow determines which extended values in format 1 and 2 headers are treated as absolute times. The specification demands a
	// delta there, but SRS before 7.0.52 and lal send an absolute time. A value is treated as absolute if it is less than absoluteWindow,
	// in ms, after the last message.
	absoluteWindow = 10_000
)

// Reader reads messages from chunks. It obeys Set Chunk Size and Abort messages, and returns them like any other message.
// Only one goroutine may use it at a time, except that any goroutine may call Tolerated.
type Reader struct {
	// The fields that every read uses come first, in few cache lines. If there are hundreds of connections, loading them costs most.

	vectored  Vectored // src if it implements Vectored, otherwise nil
	in        *buffer  // the memory of buf; nil if that is stub
	buf       []byte   // buf[pos:end] has been read and not yet parsed
	pos, end  int
	chunkSize int
	maxSize   int
	awaited   *stream // the stream whose unfinished message begins at pos, and stays in buf until the message is complete; see view
	current   *stream // the stream whose chunk payload is being read; nil between chunks
	left      int     // payload bytes of the current chunk that have not been read
	lent      *buffer // memory of the last Message's body, which the next call releases
	size      int     // size of the next buf in bytes; see adapt
	srcErr    error   // error that was read together with bytes; returned after they are parsed
	err       error   // the first violation of the protocol; final
	place     place
	scatter   scatter
	low       [16]*stream // index is the chunk stream id; nearly all peers use ids below 16

	high      map[uint32]*stream
	src       io.Reader
	placer    Placer    // may be nil
	partial   []*stream // the streams with an unfinished message
	held      int       // memory of the unfinished messages, in bytes
	earned    int       // how much memory an unfinished message may get at once, in bytes; see makeRoom
	tolerated tolerated

	stub [MaxHeaderSize]byte // the part of a header that has arrived, while the connection is idle
}

// stream is the state of a chunk stream: the header to which later chunks refer, and the unfinished message.
type stream struct { // at most one cache line
	id         uint32
	timestamp  uint32 // absolute time of the last message
	delta      uint32 // timestamp delta that a format 3 chunk applies when it starts a message
	length     uint32
	streamID   uint32
	extension  uint32 // value of the extended timestamp if extended is set
	scanned    uint32 // bytes of the unfinished message that a Scanner has passed
	typ        uint8
	format     Format // format of the unfinished message
	begun      bool   // a header has been read, to which formats 1 to 3 can refer
	extended   bool   // the last format 0, 1 or 2 header had an extended timestamp
	omits      bool   // the peer has left the extended timestamp out of a format 3 chunk
	partial    bool
	withdrawn  bool    // the unfinished message was in memory from the Placer; it never returns there
	basicBytes [3]byte // basic header of a continuation chunk, in the form that the peer used last
	basicSize  int
	body       *buffer
}

// NewReader returns a Reader that reads from src. A message longer than maxMessageSize bytes is an *Error. A maxMessageSize of 0,
// or above MaxMessageLength, means MaxMessageLength.
func NewReader(src io.Reader, maxMessageSize int) *Reader {
	vectored, _ := src.(Vectored)
	r := &Reader{src: src, vectored: vectored, chunkSize: DefaultChunkSize, maxSize: clampMessageSize(maxMessageSize)}
	r.size, _, _ = r.readSizes()
	return r
}

// ChunkSize returns the peer's current chunk size in bytes.
func (r *Reader) ChunkSize() int { return r.chunkSize }

// Tolerated returns the counts so far.
func (r *Reader) Tolerated() Tolerated { return r.tolerated.counts() }

// Next reads the next message. It blocks in the source as long as necessary, and returns the source's errors unchanged, except that io.EOF
// inside a message becomes io.ErrUnexpectedEOF. After such an error, the next call continues where this one has stopped. An *Error is
// final.
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

// NextBuffered is like Next but does not read from the source. If the bytes that were already read contain no whole message, ok is false.
func (r *Reader) NextBuffered(m *Message) (ok bool, err error) {
	r.takeBack()
	for r.err == nil {
		if r.current == nil {
			s, more := r.awaited, false
			if s == nil {
				s, more = r.header()
			}
			switch {
			case s == nil || r.err != nil:
				return false, r.err
			case more:
				r.resume(s)
				continue
			}
			switch whole, later := r.view(s, m); {
			case later:
				r.awaited = s
				return false, nil
			case whole:
				r.awaited = nil
				return true, r.control(m)
			default:
				r.awaited = nil
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
	if err == io.EOF && (len(r.partial) > 0 || r.awaited != nil || r.current != nil || r.end > r.pos) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// header parses and applies one chunk header. more is true if the chunk continues a message. If the buffer does not contain the whole
// header yet, header consumes nothing and s is nil.
func (r *Reader) header() (s *stream, more bool) {
	b := r.buf[r.pos:r.end]
	f, id, size := basicHeader(b)
	if size == 0 || len(b) < size+messageHeaderSize[f] {
		return nil, false
	}
	if s = r.known(id); s == nil {
		if s = r.add(id); s == nil {
			return nil, false
		}
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
		// Some senders repeat the header inside a message. If the length or the type differs, the header begins a new message.
		if f != Format0 && length == s.length && typ == s.typ {
			r.pos += size
			return s, true
		}
		r.drop(s)
		r.tolerated.implicitAborts.Add(1)
	}
	if f == Format0 {
		s.streamID = binary.LittleEndian.Uint32(h[7:])
		s.timestamp, s.delta = field, field // a format 3 message directly after this one adds the value again (section 5.3.1.2.4)
	} else {
		r.advance(s, field, extended)
	}
	s.begun, s.format, s.length, s.typ = true, f, length, typ
	s.extended, s.extension = extended, field
	s.basicSize = len(b) - len(h)
	s.basicBytes = [3]byte{b[0] | byte(Format3)<<6, b[1], b[2]} // b has 4 bytes or more, of which basicSize are used
	r.pos += size
	return s, false
}

// bareHeader is like header, for format 3. The only question is whether an extended timestamp follows. Section 5.3.1.3 demands one if the
// previous header had one, but senders that follow the text of 2009 omit it.
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
			r.tolerated.missingExtended.Add(1)
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

// extensionFollows compares the bytes after a format 3 basic header with the values that an extended timestamp may have there. These are
// the value in the previous header and, from senders like SRS, the message's absolute time.
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
	// The bytes equal neither value. Inside a message, they are payload. At the beginning of a message, they may be a new value, unless
	// this peer is known to omit the field.
	return !s.partial && !s.omits, true
}

// advance advances the chunk stream's clock by a delta. An extended value within absoluteWindow after the last message is an absolute time.
func (r *Reader) advance(s *stream, delta uint32, extended bool) {
	if distance := delta - s.timestamp; extended && s.begun && distance < absoluteWindow && s.timestamp != 0 {
		r.tolerated.absoluteExtended.Add(1)
		delta = distance
	}
	s.timestamp += delta
	s.delta = delta
}

// add creates the state of a chunk stream that has not been used. It returns nil if there are too many.
func (r *Reader) add(id uint32) *stream {
	s := &stream{id: id}
	switch {
	case id < uint32(len(r.low)):
		r.low[id] = s
		return s
	case (len(r.high)+1)*streamSize > maxStreamBytes:
		r.fail("memory of chunk streams, bytes", (len(r.high)+1)*streamSize)
		return nil
	case r.high == nil:
		r.high = make(map[uint32]*stream)
	}
	r.high[id] = s
	return s
}

// known returns the state of a chunk stream, or nil if it has not been used.
func (r *Reader) known(id uint32) *stream {
	if id < uint32(len(r.low)) {
		return r.low[id]
	}
	return r.high[id]
}

// view makes m a message that lies entirely in the buffer, in adjacent chunks, without copying it. If whole is false, later is true if the
// missing bytes may still arrive directly after the bytes in the buffer, and fit there. The message should then stay in the buffer, since
// assembling it would cost a copy. A Vectored source whose reads have not grown does without, and so does a message whose rest is read
// directly to its destination.
func (r *Reader) view(s *stream, m *Message) (whole, later bool) {
	length, gap := int(s.length), s.basicSize
	wire := length
	if length > r.chunkSize {
		if s.extended {
			return false, false // the sizes of its continuation headers vary
		}
		wire += (length - 1) / r.chunkSize * gap
	}
	raw := r.buf[r.pos:r.end]
	if whole = wire <= len(raw); whole {
		raw = raw[:wire]
	} else if wire > r.size/2 || r.vectored != nil && (r.size <= maxRead || r.scatters(wire-len(raw))) {
		return false, false
	}
	for at := r.chunkSize; at < len(raw); at += r.chunkSize + gap {
		if raw[at] != s.basicBytes[0] || gap > 1 && !bytes.HasPrefix(s.basicBytes[:gap], raw[at:min(at+gap, len(raw))]) {
			return false, false // a chunk of another chunk stream comes between
		}
	}
	if !whole {
		return false, true
	}
	r.pos += wire
	if r.place.stream != nil {
		r.withdraw() // since the caller may use the memory for this message
	}
	r.describe(s, m, raw, length)
	if wire > length {
		m.stride, m.gap = r.chunkSize, gap
	}
	return true, false
}

// describe makes m the message of s with the body in raw. Assigning the fields one by one takes half the time of a composite literal.
func (r *Reader) describe(s *stream, m *Message, raw []byte, length int) {
	m.Type, m.Format, m.ChunkStreamID, m.StreamID, m.Timestamp = s.typ, s.format, s.id, s.streamID, s.timestamp
	m.raw, m.length, m.stride, m.gap, m.reader = raw, length, 0, 0, r
}

func (r *Reader) finish(s *stream, m *Message) {
	if r.place.stream != s {
		r.withdraw() // as in view
	}
	var raw []byte
	if s.body != nil {
		raw = s.body.bytes
	}
	head := r.placed(s)
	r.describe(s, m, raw, len(head)+len(raw))
	if len(head) > 0 {
		m.stride = inPlace
	}
	r.lent = s.body
	r.earned = min(r.earned+m.length, maxPartialMessages*r.maxSize)
	r.forget(s)
}

// control applies the two messages that change how chunks are read. It is small, to be inlined.
func (r *Reader) control(m *Message) error {
	if m.Type != typeSetChunkSize && m.Type != typeAbort || m.length < 4 {
		return nil
	}
	return r.obey(m)
}

// obey applies a Set Chunk Size or an Abort message (sections 5.4.1 and 5.4.2).
func (r *Reader) obey(m *Message) error {
	v := binary.BigEndian.Uint32(m.Body())
	if m.Type == typeAbort {
		if v > MaxChunkStreamID {
			return nil
		}
		if s := r.known(v); s != nil && s.partial {
			r.drop(s)
			r.tolerated.aborts.Add(1)
		}
		return nil
	}
	if v == 0 || v >= 1<<31 {
		return r.fail("chunk size out of range", v)
	}
	r.chunkSize = int(min(v, MaxMessageLength)) // larger values make no difference, since no message is longer
	return nil
}

func (r *Reader) fail(detail string, value any) error {
	r.err = &Error{Detail: detail, Value: value}
	return r.err
}
