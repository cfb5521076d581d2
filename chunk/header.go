package chunk

import "fmt"

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

// Error reports bytes that break the rules of the chunk stream or one of the Reader's limits, or a message that can't be
// expressed in chunks. A Reader that has returned an Error can't continue.
type Error struct {
	Detail string // the rule that was broken
	Value  any    // the offending value
}

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
	f, id, size = Format(b[0]>>6), uint32(b[0]&0x3F), 1
	switch {
	case id == 0 && len(b) >= 2:
		return f, uint32(b[1]) + 64, 2
	case id == 1 && len(b) >= 3:
		return f, uint32(b[1]) + uint32(b[2])<<8 + 64, 3
	case id < 2:
		return f, 0, 0
	}
	return f, id, size
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
