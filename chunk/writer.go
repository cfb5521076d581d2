package chunk

import "encoding/binary"

// Outgoing is a message to be written. Body belongs to the caller, and is only read during the call.
type Outgoing struct {
	Type          uint8
	ChunkStreamID uint32 // 2 to MaxChunkStreamID; some peers accept only 2 to 31
	StreamID      uint32 // message stream id
	Timestamp     uint32 // milliseconds: the message's time or, with Relative, the difference from the previous message
	// Format is the shortest header that is allowed. A longer one is used if Format can't express the message: if there is no previous
	// message on the chunk stream, if the length or the type differs, or if the time runs backwards. Format3 therefore means "as short as
	// possible", and Format0 means "a full header".
	Format   Format
	Relative bool
	Body     []byte
}

// Writer writes messages as chunks. Only one goroutine may use it at a time. The zero value is ready to use.
type Writer struct {
	chunkSize int     // 0 means DefaultChunkSize
	low       [9]sent // index is the chunk stream id; clients use 2 to 8
	high      map[uint32]*sent
}

// sent is the last header sent on a chunk stream.
type sent struct {
	timestamp, delta, length, streamID uint32
	typ                                uint8
	known                              bool // a header has been sent
}

// NewWriter returns a Writer with the default chunk size.
func NewWriter() *Writer { return new(Writer) }

// ChunkSize returns the current outgoing chunk size in bytes. Writing a Set Chunk Size message changes it.
func (w *Writer) ChunkSize() int {
	if w.chunkSize == 0 {
		return DefaultChunkSize
	}
	return w.chunkSize
}

// AppendMessage appends the chunks of o to dst. The error is an *Error, and dst is then returned unchanged.
func (w *Writer) AppendMessage(dst []byte, o *Outgoing) ([]byte, error) {
	dst, h, err := w.AppendHeader(dst, o)
	if err != nil {
		return dst, err
	}
	dst = h.AppendBody(dst, o.Body, w.ChunkSize())
	if o.Type == typeSetChunkSize && len(o.Body) >= 4 {
		w.chunkSize = int(min(binary.BigEndian.Uint32(o.Body), MaxMessageLength))
	}
	return dst, nil
}

// AppendHeader appends the header of o's first chunk to dst. The caller must write the body after it, with the continuation headers of the
// returned Header between chunks of w.ChunkSize bytes. AppendHeader is meant for long messages. It must not be used for Set Chunk Size
// messages, which need AppendMessage.
func (w *Writer) AppendHeader(dst []byte, o *Outgoing) ([]byte, Header, error) {
	if len(o.Body) > MaxMessageLength {
		return dst, Header{}, &Error{Detail: "message too long to send", Value: len(o.Body)}
	}
	if o.ChunkStreamID < 2 || o.ChunkStreamID > MaxChunkStreamID {
		return dst, Header{}, &Error{Detail: "chunk stream id out of range", Value: o.ChunkStreamID}
	}
	if o.Type == typeSetChunkSize && len(o.Body) >= 4 {
		if size := binary.BigEndian.Uint32(o.Body); size == 0 || size >= 1<<31 {
			return dst, Header{}, &Error{Detail: "chunk size out of range", Value: size}
		}
	}
	format, field := w.last(o.ChunkStreamID).header(o)
	h := Header{ChunkStreamID: o.ChunkStreamID, StreamID: o.StreamID, Timestamp: field, Length: len(o.Body), Type: o.Type}
	return h.append(dst, format), h, nil
}

// last returns the last header sent on a chunk stream.
func (w *Writer) last(id uint32) *sent {
	if id < uint32(len(w.low)) {
		return &w.low[id]
	}
	s := w.high[id]
	if s == nil {
		if w.high == nil {
			w.high = make(map[uint32]*sent)
		}
		s = new(sent)
		w.high[id] = s
	}
	return s
}

// header chooses the format and the value of the timestamp field, and records o as the last message. It never uses an extended delta.
// Receivers disagree on the meaning of that, so such a message gets a full header.
func (last *sent) header(o *Outgoing) (format Format, field uint32) {
	timestamp, delta := o.Timestamp, o.Timestamp-last.timestamp
	if o.Relative && last.known {
		timestamp, delta = last.timestamp+o.Timestamp, o.Timestamp
	}
	length := uint32(len(o.Body))
	switch {
	case !last.known || o.StreamID != last.streamID || delta >= extendedMark: // a large delta may be a time that runs backwards
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
		// A receiver of a format 3 message may use as the delta either the timestamp itself, as the specification says, or 0, as
		// nginx-rtmp does. Format 3 may therefore be used only if both are the same.
		field, delta = timestamp, extendedMark
		if timestamp == 0 {
			delta = 0
		}
	}
	*last = sent{timestamp: timestamp, delta: delta, length: length, streamID: o.StreamID, typ: o.Type, known: true}
	return format, field
}
