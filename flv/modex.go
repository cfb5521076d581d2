package flv

import (
	"encoding/binary"
	"io"
	"iter"
	"time"
)

// ModEx is the chain of modifiers before an Enhanced RTMP packet (E-RTMP v2, ModEx), in wire format. They apply to the whole message.
//
//	+--------+  +----------------------+------+--------+---------------------+
//	| .. 4   |  | size-1, below 255    | data | type 4 | next packet type 4  |  the next is 7: another modifier follows
//	| 7    4 |  | 1                    | size | 1                            |
//	+--------+  +----------------------+      |                              |
//	            | 255 1 | size-1     2 |      |                              |
//	            +----------------------+------+------------------------------+
//
// A parsed ModEx is a view of the body. To make one, start with nil and use [AppendModEx] or [AppendTimestampOffset]; writing a header
// fills in the packet types. Do not send modifiers to a peer that has not announced ModEx in its capsEx.
type ModEx []byte

// ModExType is the type of a modifier, four bits. Types without a constant are reserved and passed through.
type ModExType uint8

// ModExTimestampOffsetNano is the type of the modifier that ModEx.TimestampOffset reads.
const ModExTimestampOffsetNano ModExType = 0

const (
	maxModExType   = 15
	maxModExData   = 1 << 16 // bytes
	modExLongSize  = 255     // value of the first byte if the size is in the next two
	nanoOffsetSize = 3
	maxNanoOffset  = 999_999 // just below a millisecond
)

// All returns the modifiers in order. The data are views of at least one byte.
func (m ModEx) All() iter.Seq2[ModExType, []byte] {
	return func(yield func(ModExType, []byte) bool) {
		for rest := m; len(rest) > 0; {
			t, data, size, err := modExBlock(rest)
			if err != nil || !yield(t, data) { // errors are possible only if m was neither parsed nor made by appending
				return
			}
			rest = rest[size:]
		}
	}
}

// TimestampOffset returns the duration, below a millisecond, to add to the presentation time. 0 means none; invalid values count as 0.
func (m ModEx) TimestampOffset() time.Duration {
	var ns uint32
	for t, data := range m.All() {
		if t != ModExTimestampOffsetNano || len(data) < nanoOffsetSize {
			continue
		}
		if ns = uint24(data); ns > maxNanoOffset {
			ns = 0
		}
	}
	return time.Duration(ns)
}

// AppendModEx appends a modifier with 1 to 65536 bytes of data. For other sizes the error is an [*Error], and m is returned unchanged.
func AppendModEx(m ModEx, t ModExType, data []byte) (ModEx, error) {
	switch n := len(data); {
	case t > maxModExType:
		return m, &Error{Detail: "ModEx type has more than four bits", Value: uint8(t)}
	case n == 0 || n > maxModExData:
		return m, &Error{Detail: "size of ModEx data is not from 1 to 65536", Value: n}
	case n <= modExLongSize:
		m = append(m, byte(n-1))
	default:
		m = append(m, modExLongSize)
		m = binary.BigEndian.AppendUint16(m, uint16(n-1))
	}
	m = append(m, data...)
	return append(m, byte(t)<<4), nil
}

// AppendTimestampOffset appends a modifier that delays the presentation time by d. If d is negative or not less than a millisecond, the error
// is an [*Error], and m is returned unchanged.
func AppendTimestampOffset(m ModEx, d time.Duration) (ModEx, error) {
	if d < 0 || d > maxNanoOffset {
		return m, &Error{Detail: "timestamp offset is not from 0 to 999999 ns", Value: int64(d)}
	}
	return AppendModEx(m, ModExTimestampOffsetNano, []byte{byte(d >> 16), byte(d >> 8), byte(d)})
}

func modExBlock(b []byte) (t ModExType, data []byte, size int, err error) {
	if len(b) == 0 {
		return 0, nil, 0, truncated("ModEx", 1)
	}
	n, at := int(b[0])+1, 1
	if b[0] == modExLongSize {
		if at = 3; len(b) < at {
			return 0, nil, 0, truncated("size of ModEx", int64(at-len(b)))
		}
		n = int(binary.BigEndian.Uint16(b[1:])) + 1
	}
	end := at + n
	if missing := end + 1 - len(b); missing > 0 {
		return 0, nil, 0, truncated("ModEx", int64(missing))
	}
	return ModExType(b[end] >> 4), b[at:end:end], end + 1, nil
}

// appendChain appends the modifiers. Each is followed by the packet type ModEx, except for the last, which is followed by last.
func (m ModEx) appendChain(dst []byte, last byte) ([]byte, error) {
	for at := 0; at < len(m); {
		_, _, size, err := modExBlock(m[at:])
		if err != nil {
			return dst, &Error{Offset: int64(at), Detail: "ModEx to be written is malformed", Err: io.ErrUnexpectedEOF}
		}
		dst = append(dst, m[at:at+size]...)
		next := byte(packetModEx)
		if at += size; at == len(m) {
			next = last
		}
		end := &dst[len(dst)-1]
		*end = *end&0xf0 | next
	}
	return dst, nil
}

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }
