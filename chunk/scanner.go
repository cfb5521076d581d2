package chunk

import (
	"encoding/binary"
	"errors"
)

// Scanner splits a chunk stream into the headers and payloads of its chunks, without assembling messages. It follows the same rules as
// Reader. Only one goroutine may use it at a time.
type Scanner struct {
	r     Reader
	heads map[*stream]*[4]byte // the first bytes of unfinished Set Chunk Size and Abort messages
}

// Piece is the header of a chunk, or a part of a chunk's payload.
type Piece struct {
	// Properties of the message that the chunk belongs to.
	Type          uint8
	Format        Format // format of the message's first chunk
	ChunkStreamID uint32
	StreamID      uint32
	Timestamp     uint32 // absolute, milliseconds
	Length        uint32 // length of the body in bytes

	Header  []byte // nil for payload
	Payload []byte // nil for a header
	Offset  uint32 // offset of Payload in the body in bytes
	First   bool   // the header begins a message
	Last    bool   // the piece completes the message
	// Dropped is the chunk stream whose unfinished message was dropped, because another message began on it or because an Abort
	// message ends with this piece. 0 means none.
	Dropped uint32
}

// NewScanner returns a Scanner at the beginning of a chunk stream.
func NewScanner() *Scanner {
	return &Scanner{r: Reader{chunkSize: DefaultChunkSize, maxSize: MaxMessageLength}, heads: make(map[*stream]*[4]byte)}
}

// Tolerated returns the counts so far, like [Reader.Tolerated].
func (s *Scanner) Tolerated() Tolerated { return s.r.Tolerated() }

// ChunkSize returns the sender's current chunk size in bytes.
func (s *Scanner) ChunkSize() int { return s.r.chunkSize }

// Scan returns the piece at the beginning of b, and its size n. The slices of the piece are parts of b. If b contains only a part of a
// header, n is 0. An *Error is final.
func (s *Scanner) Scan(b []byte) (p Piece, n int, err error) {
	r := &s.r
	if r.err != nil || len(b) == 0 {
		return Piece{}, 0, r.err
	}
	if r.current != nil {
		return s.payload(b)
	}
	r.buf, r.pos, r.end = b, 0, len(b)
	aborted := r.tolerated.implicitAborts.Load()
	st, more := r.header()
	n = r.pos
	r.buf, r.pos, r.end = nil, 0, 0
	if st == nil || r.err != nil {
		return Piece{}, 0, r.err
	}
	if !more {
		if err := s.begin(st); err != nil {
			return Piece{}, 0, err
		}
	}
	p = st.piece()
	p.Header, p.First = b[:n], !more
	if r.tolerated.implicitAborts.Load() > aborted {
		p.Dropped = st.id
	}
	r.left = min(r.chunkSize, int(st.length-st.scanned))
	if r.current = st; r.left == 0 {
		p.Last = true
		s.finish(st)
	}
	return p, n, nil
}

func (st *stream) piece() Piece {
	return Piece{Type: st.typ, Format: st.format, ChunkStreamID: st.id, StreamID: st.streamID, Timestamp: st.timestamp, Length: st.length}
}

func (s *Scanner) begin(st *stream) error {
	r := &s.r
	if len(r.partial) >= maxPartials {
		return r.fail("unfinished messages at once", maxPartials)
	}
	delete(s.heads, st)
	st.partial, st.scanned = true, 0
	r.partial = append(r.partial, st)
	if st.typ == typeSetChunkSize || st.typ == typeAbort {
		s.heads[st] = new([4]byte)
	}
	return nil
}

// payload is Scan for the case that b begins inside a chunk's payload.
func (s *Scanner) payload(b []byte) (p Piece, n int, err error) {
	r, st := &s.r, s.r.current
	n = min(r.left, len(b))
	p = st.piece()
	p.Payload, p.Offset = b[:n], st.scanned
	if head := s.heads[st]; head != nil {
		copy(head[min(int(st.scanned), len(head)):], p.Payload)
	}
	st.scanned += uint32(n)
	if r.left -= n; r.left > 0 {
		return p, n, nil
	}
	if r.current = nil; st.scanned == st.length {
		p.Last = true
		head := s.heads[st]
		s.finish(st)
		if head != nil && st.length >= 4 {
			p.Dropped, err = s.control(st.typ, binary.BigEndian.Uint32(head[:]))
		}
	}
	return p, n, err
}

func (s *Scanner) finish(st *stream) {
	s.r.current = nil
	s.r.forget(st)
	delete(s.heads, st)
}

// control is like Reader.control, for a value that has already been read.
func (s *Scanner) control(typ uint8, v uint32) (dropped uint32, err error) {
	r := &s.r
	switch {
	case typ == typeSetChunkSize && (v == 0 || v >= 1<<31):
		return 0, r.fail("chunk size out of range", v)
	case typ == typeSetChunkSize:
		r.chunkSize = int(min(v, MaxMessageLength))
	case v <= MaxChunkStreamID:
		if st := r.known(v); st != nil && st.partial {
			delete(s.heads, st)
			r.drop(st)
			r.tolerated.aborts.Add(1)
			return v, nil
		}
	}
	return 0, nil
}

// The flags of a chunk stream in a Scanner's state.
const (
	stateBegun = 1 << iota
	stateExtended
	stateOmits
	statePartial
)

// AppendState appends the state of the Scanner to dst, so that NewScannerState can continue from here.
// The state consists of numbers in the format of encoding/binary's Uvarint: the chunk size; the chunk stream in whose payload the Scanner
// is (0 for none) and the number of bytes left in that chunk; the number of chunk streams; and for each its id, flags, format, type,
// timestamp, delta, length, message stream id, extended timestamp, number of body bytes so far, and the length of its basic header. After
// the numbers of a chunk stream come its basic header for continuations and, for an unfinished Set Chunk Size or Abort message, the first
// four bytes of the body.
func (s *Scanner) AppendState(dst []byte) []byte {
	r := &s.r
	put := func(values ...uint32) {
		for _, v := range values {
			dst = binary.AppendUvarint(dst, uint64(v))
		}
	}
	var current, left, count uint32
	if r.current != nil {
		current, left = r.current.id, uint32(r.left)
	}
	r.each(func(*stream) { count++ })
	put(uint32(r.chunkSize), current, left, count)
	r.each(func(st *stream) {
		var flags uint32
		for i, set := range []bool{st.begun, st.extended, st.omits, st.partial} {
			if set {
				flags |= 1 << i
			}
		}
		put(st.id, flags, uint32(st.format), uint32(st.typ), st.timestamp, st.delta, st.length, st.streamID, st.extension, st.scanned,
			uint32(st.basicSize))
		dst = append(dst, st.basicBytes[:st.basicSize]...)
		if head := s.heads[st]; head != nil {
			dst = append(dst, head[:]...)
		}
	})
	return dst
}

// each calls f for every chunk stream that has been used.
func (r *Reader) each(f func(*stream)) {
	for _, st := range r.low {
		if st != nil {
			f(st)
		}
	}
	for _, st := range r.high {
		f(st)
	}
}

var errState = errors.New("chunk: invalid state")

// NewScannerState returns a Scanner that continues from the state b, which AppendState has made.
func NewScannerState(b []byte) (*Scanner, error) {
	s := NewScanner()
	r := &s.r
	in := stateReader{b: b}
	r.chunkSize = int(in.uint(MaxMessageLength))
	current, left := in.uint(MaxChunkStreamID), in.uint(MaxMessageLength)
	for range in.uint(MaxChunkStreamID) {
		if err := s.addState(&in); err != nil {
			return nil, err
		}
	}
	if current != 0 {
		st := r.known(uint32(current))
		if st == nil || !st.partial || left == 0 || left > uint64(st.length-st.scanned) {
			return nil, errState
		}
		r.current, r.left = st, int(left)
	}
	if in.bad || len(in.b) > 0 || r.chunkSize == 0 {
		return nil, errState
	}
	return s, nil
}

// addState adds the next chunk stream of an encoded state.
func (s *Scanner) addState(in *stateReader) error {
	id := uint32(in.uint(MaxChunkStreamID))
	if in.bad || id < 2 || s.r.known(id) != nil {
		return errState
	}
	st := s.r.add(id)
	if st == nil {
		return errState
	}
	flags := in.uint(stateBegun | stateExtended | stateOmits | statePartial)
	st.begun, st.extended, st.omits, st.partial = flags&stateBegun != 0, flags&stateExtended != 0, flags&stateOmits != 0, flags&statePartial != 0
	st.format, st.typ = Format(in.uint(3)), uint8(in.uint(1<<8-1))
	const full = 1<<32 - 1
	st.timestamp, st.delta, st.length = uint32(in.uint(full)), uint32(in.uint(full)), uint32(in.uint(MaxMessageLength))
	st.streamID, st.extension, st.scanned = uint32(in.uint(full)), uint32(in.uint(full)), uint32(in.uint(MaxMessageLength))
	st.basicSize = int(in.uint(3))
	copy(st.basicBytes[:], in.bytes(st.basicSize))
	if !st.partial {
		return nil
	}
	if st.scanned >= st.length || len(s.r.partial) >= maxPartials {
		return errState
	}
	s.r.partial = append(s.r.partial, st)
	if st.typ == typeSetChunkSize || st.typ == typeAbort {
		s.heads[st] = new([4]byte)
		copy(s.heads[st][:], in.bytes(4))
	}
	return nil
}

// stateReader reads numbers. After an error, bad is true.
type stateReader struct {
	b   []byte
	bad bool
}

func (in *stateReader) uint(limit uint64) uint64 {
	v, n := binary.Uvarint(in.b)
	if n <= 0 || v > limit {
		in.bad, in.b = true, nil
		return 0
	}
	in.b = in.b[n:]
	return v
}

func (in *stateReader) bytes(n int) []byte {
	if n > len(in.b) {
		in.bad, in.b = true, nil
		return nil
	}
	b := in.b[:n]
	in.b = in.b[n:]
	return b
}

// InChunk reports whether the next byte is part of a chunk's payload.
func (s *Scanner) InChunk() bool { return s.r.current != nil }
