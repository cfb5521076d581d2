// Package obu splits and writes AV1's open bitstream units (OBUs).
package obu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// Types of OBUs (AV1 6.2.2).
const (
	SequenceHeader    = 1
	TemporalDelimiter = 2
	FrameHeader       = 3
	Metadata          = 5
	Frame             = 6
)

// Flags in the first byte of an OBU.
const (
	forbidden = 0x80
	extension = 0x04
	hasSize   = 0x02
)

// Error says why bytes do not begin with an OBU. Packages flv and media convert it to their own type.
type Error struct {
	Detail string
	Value  any   // the first byte, or the minimum number of bytes missing
	Err    error // io.ErrUnexpectedEOF if bytes are missing
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("OBU: %s: %v", e.Detail, e.Value) }

func cut(part string, missing uint64) *Error {
	return &Error{Detail: "ends inside the " + part + ", bytes missing", Value: int64(min(missing, 1<<32)), Err: io.ErrUnexpectedEOF}
}

// Type returns the type of an OBU, which must not be empty.
func Type(b []byte) uint8 { return b[0] >> 3 & 15 }

// Layout returns the position and the size of the payload of the OBU at the beginning of b (AV1 5.3). An OBU without a size extends to the
// end of b.
//
//	+--------+------+---------+-----------+------+  +-----------+  +--------+  +---------+
//	| 0    1 | type | ext.  1 | size?   1 | 0  1 |  | extension |  | size   |  | payload |
//	|        | 4    |         |           |      |  | 1         |  | LEB128 |  |         |
//	+--------+------+---------+-----------+------+  +-----------+  +--------+  +---------+
func Layout(b []byte) (at, size int, err *Error) {
	if len(b) == 0 {
		return 0, 0, cut("header", 1)
	}
	if b[0]&forbidden != 0 {
		return 0, 0, &Error{Detail: "forbidden bit is set", Value: b[0]}
	}
	if at = headerSize(b); at > len(b) {
		return 0, 0, cut("header", 1)
	}
	if b[0]&hasSize == 0 {
		return at, len(b) - at, nil
	}
	const maxSize = 8 // bytes of a LEB128, which Uvarint reads too (AV1 4.10.5)
	v, n := binary.Uvarint(b[at:min(len(b), at+maxSize)])
	if n <= 0 {
		return 0, 0, cut("size", 1)
	}
	at += n
	if left := uint64(len(b) - at); v > left {
		return 0, 0, cut("payload", v-left)
	}
	return at, int(v), nil
}

func headerSize(b []byte) int {
	if b[0]&extension != 0 {
		return 2
	}
	return 1
}

// Append appends an OBU with the header of b, a size, and the payload.
func Append(dst, b, payload []byte) []byte {
	dst = append(dst, b[0]|hasSize)
	dst = append(dst, b[1:headerSize(b)]...)
	return append(binary.AppendUvarint(dst, uint64(len(payload))), payload...)
}

// AppendBare is like Append, without the size.
func AppendBare(dst, b, payload []byte) []byte {
	dst = append(dst, b[0]&^hasSize)
	dst = append(dst, b[1:headerSize(b)]...)
	return append(dst, payload...)
}

// Equal reports whether two OBUs are equal, apart from the form of their sizes.
func Equal(a, b []byte) bool {
	i, n, err := Layout(a)
	k, m, err2 := Layout(b)
	return err == nil && err2 == nil && a[0]&^hasSize == b[0]&^hasSize &&
		bytes.Equal(a[1:headerSize(a)], b[1:headerSize(b)]) && bytes.Equal(a[i:i+n], b[k:k+m])
}
