package chunk

// Message is one received message. The body belongs to the Reader and is valid until the Reader's next call; copies of a Message share it.
// The other fields are copies.
type Message struct {
	Type          uint8  // message type id
	Format        Format // format of the message's first chunk
	ChunkStreamID uint32
	StreamID      uint32 // message stream id
	Timestamp     uint32 // absolute, milliseconds, modulo 2^32

	// raw contains the body. If stride is 0, raw is the body. Otherwise raw contains the payloads of adjacent chunks, of stride bytes each
	// except for the last one, and between them gap bytes of chunk header. Since the headers stay in place, a message is copied only once,
	// from the read buffer to its destination. If stride is inPlace, the body begins in memory from the Placer, and raw is the rest.
	raw         []byte
	length      int
	stride, gap int
	reader      *Reader
}

// inPlace is the stride of a message that begins in memory from the Placer.
const inPlace = -1

// Len returns the length of the body in bytes.
func (m *Message) Len() int { return m.length }

// Placed returns how many bytes at the beginning of the body are in memory from the Placer. Copying them there costs nothing.
func (m *Message) Placed() int {
	if m.stride != inPlace {
		return 0
	}
	return len(m.reader.place.bytes)
}

// CopyTo copies the body into dst, which must have room for Len bytes, and returns Len.
func (m *Message) CopyTo(dst []byte) int {
	switch m.stride {
	case 0:
		return copy(dst, m.raw)
	case inPlace:
		n := copyOnce(dst, m.reader.place.bytes)
		return n + copy(dst[n:], m.raw)
	}
	raw, rest := m.raw, dst
	if m.stride == DefaultChunkSize { // copying a constant size needs no call
		for step := m.gap + DefaultChunkSize; len(raw) > step; raw, rest = raw[step:], rest[DefaultChunkSize:] {
			*(*[DefaultChunkSize]byte)(rest) = [DefaultChunkSize]byte(raw)
		}
	}
	for ; len(raw) > m.stride; raw, rest = raw[m.stride+m.gap:], rest[m.stride:] {
		copy(rest, raw[:m.stride])
	}
	return len(dst) - len(rest) + copy(rest, raw)
}

// CopyAt copies the bytes of the body that begin at offset off into dst, as far as dst has room. off is at most Len.
func (m *Message) CopyAt(dst []byte, off int) {
	switch m.stride {
	case 0:
		copy(dst, m.raw[off:])
		return
	case inPlace:
		head := m.reader.place.bytes
		if off < len(head) {
			n := copyOnce(dst, head[off:])
			dst, off = dst[n:], off+n
		}
		if len(dst) > 0 {
			copy(dst, m.raw[off-len(head):])
		}
		return
	}
	rest := *m
	if rest.length = min(len(dst), m.length-off); rest.length == 0 {
		return
	}
	skip, step := off%m.stride, m.stride+m.gap
	rest.raw = m.raw[off/m.stride*step:]
	if skip > 0 { // the first piece is the end of a chunk
		n := copy(dst[:rest.length], rest.raw[skip:min(m.stride, len(rest.raw))])
		dst, rest.length = dst[n:], rest.length-n
		if rest.length == 0 {
			return
		}
		rest.raw = rest.raw[step:]
	}
	rest.raw = rest.raw[:rest.length+(rest.length-1)/m.stride*m.gap]
	rest.CopyTo(dst)
}

// copyOnce is copy, except that it leaves out the work if src is already in place.
func copyOnce(dst, src []byte) int {
	if len(dst) > 0 && len(src) > 0 && &dst[0] == &src[0] {
		return min(len(dst), len(src))
	}
	return copy(dst, src)
}

// Body returns the body in one piece. It is valid until the Reader's next call and must not be modified.
func (m *Message) Body() []byte {
	if m.stride != 0 {
		b := m.reader.lent
		if b == nil || len(b.bytes) < m.length { // otherwise a copy of m has joined the body already
			// What was lent, the end of a body in place, is left to the garbage collector, since copies of m may still refer to it.
			b = m.reader.hand(m.length)
			b.bytes = b.bytes[:m.length]
			m.CopyTo(b.bytes)
		}
		m.raw, m.stride = b.bytes, 0
	}
	return m.raw
}

// Detach gives the memory of the body to the caller, who can then keep the body without copying it; the message has no body any more. If ok is
// false, the body shares memory with other messages: nothing has changed, and the caller must copy it. If the body begins in memory from the
// Placer, the caller gets only the part after that.
func (m *Message) Detach() (d Detached, ok bool) {
	b := m.reader.lent
	if b == nil || b.whole == nil || len(b.bytes) == 0 {
		return Detached{}, false
	}
	m.reader.lent = nil
	d = Detached{buffer: b, size: len(b.bytes)}
	m.raw, m.length, m.stride = nil, 0, 0
	return d, true
}
