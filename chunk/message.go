package chunk

// Message is one received message. The header fields are the caller's; the body belongs to the Reader and is valid
// until its next call.
type Message struct {
	Type          uint8  // message type id
	Format        Format // of the message's first chunk
	ChunkStreamID uint32
	StreamID      uint32 // message stream id
	Timestamp     uint32 // absolute, milliseconds, modulo 2^32

	// The body: either all of raw (stride 0), or the payloads of the chunks that lie in raw one behind the other, each
	// of stride bytes but the last, with gap bytes of chunk header between them. Keeping the headers in place lets the
	// consumer copy a message once, from the read buffer to where it is wanted.
	raw         []byte
	length      int
	stride, gap int
	reader      *Reader
}

// Len is the length of the body in bytes.
func (m *Message) Len() int { return m.length }

// CopyTo copies the body into dst, which must have room for Len bytes, and returns Len.
func (m *Message) CopyTo(dst []byte) int {
	if m.stride == 0 {
		return copy(dst, m.raw)
	}
	n, raw := 0, m.raw
	for len(raw) > m.stride {
		n += copy(dst[n:], raw[:m.stride])
		raw = raw[m.stride+m.gap:]
	}
	return n + copy(dst[n:], raw)
}

// Body is the body in one piece, valid until the Reader's next call and not to be written to.
func (m *Message) Body() []byte {
	if m.stride != 0 {
		b := m.reader.hand()
		flat := growTo(b.bytes[:0], m.length)[:m.length]
		m.CopyTo(flat)
		b.bytes = flat
		m.raw, m.stride = flat, 0
	}
	return m.raw
}
