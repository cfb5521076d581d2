package chunk

import (
	"encoding/binary"
	"fmt"
)

// Format is the chunk format ("fmt", RTMP 1.0 section 5.3.1), which says how much of the message header a chunk repeats.
// librtmp calls the formats RTMP_PACKET_SIZE_LARGE, MEDIUM, SMALL and MINIMUM.
type Format uint8

const (
	Format0 Format = 0 // 11 bytes: absolute timestamp, length, type, message stream id
	Format1 Format = 1 // 7 bytes: timestamp delta, length, type; message stream id as before
	Format2 Format = 2 // 3 bytes: timestamp delta; the rest as before
	Format3 Format = 3 // 0 bytes: everything as before, or the continuation of a message
)

const (
	// MaxChunkStreamID is the largest chunk stream id that the three-byte basic header can hold (section 5.3.1.1).
	MaxChunkStreamID = 65599
	// MaxMessageLength is the largest message length that the 24-bit length field can hold, in bytes.
	MaxMessageLength = 0xFFFFFF
	// DefaultChunkSize is the chunk size in bytes of both directions until a Set Chunk Size message (section 5.4.1).
	DefaultChunkSize = 128

	extendedMark = 0xFFFFFF // in the 24-bit timestamp field: a 32-bit value follows (section 5.3.1.3)

	typeSetChunkSize = 1
	typeAbort        = 2
)

// messageHeaderSize is the number of bytes between the basic header and the extended timestamp, by Format.
var messageHeaderSize = [4]int{11, 7, 3, 0}

// Error reports that bytes from the peer violate the rules of the chunk stream or exceed a limit of the Reader, or that a message can't be
// expressed in chunks. A Reader that has returned an Error can't continue.
type Error struct {
	Detail string // the rule that was broken
	Value  any    // the offending value
}

// Error returns the text "chunk: detail: value".
func (e *Error) Error() string { return fmt.Sprintf("chunk: %s: %v", e.Detail, e.Value) }

func be24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

func put24(b []byte, v uint32) { b[0], b[1], b[2] = byte(v>>16), byte(v>>8), byte(v) }

// basicHeader reads the chunk format and chunk stream id from the start of b. size is 0 if b is too short.
//
//	 0 1 2 3 4 5 6 7
//	+-+-+-+-+-+-+-+-+   low six bits: 2..63 the chunk stream id itself
//	|fmt|   cs id   |                 0     one more byte:  id - 64
//	+-+-+-+-+-+-+-+-+                 1     two more bytes: id - 64, little-endian
func basicHeader(b []byte) (f Format, id uint32, size int) {
	if len(b) == 0 {
		return 0, 0, 0
	}
	f, id = Format(b[0]>>6), uint32(b[0]&0x3F)
	switch {
	case id >= 2:
		return f, id, 1
	case id == 0 && len(b) >= 2:
		return f, uint32(b[1]) + 64, 2
	case id == 1 && len(b) >= 3:
		return f, uint32(b[1]) + uint32(b[2])<<8 + 64, 3
	}
	return f, 0, 0
}

func appendBasicHeader(dst []byte, f Format, id uint32) []byte {
	switch {
	case id < 64:
		return append(dst, byte(f)<<6|byte(id))
	case id < 320:
		return append(dst, byte(f)<<6, byte(id-64))
	default:
		return append(dst, byte(f)<<6|1, byte(id-64), byte((id-64)>>8))
	}
}

// Header is the full header of a message (format 0). It does not depend on any other message, so the same bytes may be sent on many
// connections. But a Writer does not know about such headers. All messages that a Writer writes on the same chunk stream must therefore
// have Format0.
type Header struct {
	ChunkStreamID uint32 // 2 to MaxChunkStreamID
	StreamID      uint32 // message stream id
	Timestamp     uint32 // time of the message, in milliseconds
	Length        int    // length of the body, in bytes, at most MaxMessageLength
	Type          uint8
}

// MaxHeaderSize is the length in bytes of the longest header of a chunk.
const MaxHeaderSize = 3 + 11 + 4

// Append appends the header of the message's first chunk to dst.
func (h *Header) Append(dst []byte) []byte { return h.append(dst, Format0) }

// append is like Append, for any format. In formats 1 and 2, Timestamp is the difference from the previous message.
func (h *Header) append(dst []byte, f Format) []byte {
	dst = appendBasicHeader(dst, f, h.ChunkStreamID)
	var b [15]byte
	n := messageHeaderSize[f]
	if f < Format3 {
		put24(b[:], min(h.Timestamp, extendedMark))
	}
	if f < Format2 {
		put24(b[3:], uint32(h.Length))
		b[6] = h.Type
	}
	if f == Format0 {
		binary.LittleEndian.PutUint32(b[7:], h.StreamID)
	}
	if h.Timestamp >= extendedMark {
		binary.BigEndian.PutUint32(b[n:], h.Timestamp)
		n += 4
	}
	return append(dst, b[:n]...)
}

// AppendContinuation appends the header of each chunk after the first.
func (h *Header) AppendContinuation(dst []byte) []byte {
	dst = appendBasicHeader(dst, Format3, h.ChunkStreamID)
	if h.Timestamp >= extendedMark { // the extended timestamp is repeated, as most receivers expect
		dst = binary.BigEndian.AppendUint32(dst, h.Timestamp)
	}
	return dst
}

// AppendBody appends the message's body in chunks of chunkSize bytes, at least 1. Before each chunk except the first, it appends the chunk's
// header.
func (h *Header) AppendBody(dst, body []byte, chunkSize int) []byte {
	for ; len(body) > chunkSize; body = body[chunkSize:] {
		dst = append(dst, body[:chunkSize]...)
		dst = h.AppendContinuation(dst)
	}
	return append(dst, body...)
}
