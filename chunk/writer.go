package chunk

import "encoding/binary"

// Outgoing is a message to be written.
type Outgoing struct {
	Type          uint8
	ChunkStreamID uint32 // 2..MaxChunkStreamID; peers are known that accept only 2..31
	StreamID      uint32 // message stream id
	Timestamp     uint32 // milliseconds: the message's time, or with Relative the difference to the message before
	// Format is the shortest header allowed. Where it cannot express the message (no predecessor on the chunk stream,
	// another length or type, a time that runs backwards) the next longer one that can is used. Format3 therefore means
	// "as short as possible", Format0 "a whole header".
	Format   Format
	Relative bool
	Body     []byte // read only during the call
}

// Writer writes messages as chunks. It is used by one goroutine at a time.
type Writer struct {
	chunkSize int
	sent      map[uint32]*sent
}

// sent is the last header on a chunk stream.
type sent struct {
	timestamp, delta, length, streamID uint32
	typ                                uint8
}

// NewWriter returns a Writer with the default chunk size.
func NewWriter() *Writer { return &Writer{chunkSize: DefaultChunkSize, sent: make(map[uint32]*sent)} }

// ChunkSize is the current outgoing chunk size in bytes. Writing a Set Chunk Size message changes it.
func (w *Writer) ChunkSize() int { return w.chunkSize }

// AppendMessage appends the chunks of o to dst. On error dst is returned as it was.
func (w *Writer) AppendMessage(dst []byte, o *Outgoing) ([]byte, error) {
	if len(o.Body) > MaxMessageLength {
		return dst, &Error{Detail: "message too long to send", Value: len(o.Body)}
	}
	if o.ChunkStreamID < 2 || o.ChunkStreamID > MaxChunkStreamID {
		return dst, &Error{Detail: "chunk stream id out of range", Value: o.ChunkStreamID}
	}
	if o.Type == typeSetChunkSize && len(o.Body) >= 4 {
		size := binary.BigEndian.Uint32(o.Body)
		if size == 0 || size >= 1<<31 {
			return dst, &Error{Detail: "chunk size out of range", Value: size}
		}
		defer func() { w.chunkSize = int(min(size, MaxMessageLength)) }()
	}
	last := w.sent[o.ChunkStreamID]
	known := last != nil
	if !known {
		last = new(sent)
		w.sent[o.ChunkStreamID] = last
	}
	format, field := last.header(o, known)

	var extension []byte
	dst = appendBasicHeader(dst, format, o.ChunkStreamID)
	var h [15]byte
	n := messageHeaderSize[format]
	if format < Format3 {
		put24(h[:], min(field, extendedMark))
	}
	if format < Format2 {
		put24(h[3:], uint32(len(o.Body)))
		h[6] = o.Type
	}
	if format == Format0 {
		binary.LittleEndian.PutUint32(h[7:], o.StreamID)
	}
	if field >= extendedMark {
		binary.BigEndian.PutUint32(h[n:], field)
		extension = h[n : n+4]
		n += 4
	}
	dst = append(dst, h[:n]...)

	body := o.Body
	for len(body) > w.chunkSize {
		dst = append(dst, body[:w.chunkSize]...)
		body = body[w.chunkSize:]
		dst = appendBasicHeader(dst, Format3, o.ChunkStreamID)
		dst = append(dst, extension...)
	}
	return append(dst, body...), nil
}

// header chooses the format and the value of the timestamp field, and makes o the last message. An extended delta is
// never sent: receivers disagree on what it means, so such a message gets a whole header.
func (last *sent) header(o *Outgoing, known bool) (format Format, field uint32) {
	timestamp, delta := o.Timestamp, o.Timestamp-last.timestamp
	if o.Relative && known {
		timestamp, delta = last.timestamp+o.Timestamp, o.Timestamp
	}
	length := uint32(len(o.Body))
	switch {
	case !known || o.StreamID != last.streamID || delta >= extendedMark: // which a time running backwards is too
		format = Format0
	case length != last.length || o.Type != last.typ:
		format = Format1
	case delta != last.delta:
		format = Format2
	default:
		format = Format3
	}
	format = min(format, o.Format)
	field = delta
	if format == Format0 {
		// A receiver may take the timestamp itself for the delta of a format 3 message that follows (the
		// specification does), or 0 (nginx-rtmp): only where both are the same may that format be used.
		field, delta = timestamp, extendedMark
		if timestamp == 0 {
			delta = 0
		}
	}
	*last = sent{timestamp: timestamp, delta: delta, length: length, streamID: o.StreamID, typ: o.Type}
	return format, field
}
