package media

import (
	"encoding/binary"
	"io"
)

// Types of OBUs (AV1 6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
)

// Flags in the first byte of an OBU.
const (
	obuForbidden = 0x80
	obuExtension = 0x04
	obuHasSize   = 0x02
)

func obuType(obu []byte) uint8 { return obu[0] >> 3 & 15 }

// SplitOBUs appends the open bitstream units (OBUs) of a temporal unit b to obus, as slices of b. b is in the low-overhead bitstream format
// (AV1 5.2):
//
//	+--------+------+---------+--------+------+---------+
//	| header | size | payload | header | size | payload | ...
//	| 1 or 2 | 1..8 | size    | 1 or 2 | 1..8 | size    |
//	+--------+------+---------+--------+------+---------+
//
// The slices include the header and the size, so that their concatenation is b. An OBU without a size extends to the end of b. If obus has
// room, SplitOBUs does not allocate.
//
// The error is an [*Error] if b does not consist of OBUs, or has more than 8192 of them; obus is then returned unchanged.
func SplitOBUs(obus [][]byte, b []byte) ([][]byte, error) {
	out := obus
	for len(b) > 0 {
		at, size, err := obuLayout(b)
		if err != nil {
			return obus, err
		}
		if len(out)-len(obus) == maxUnits {
			return obus, tooMany("OBUs")
		}
		end := at + size
		out = append(out, b[:end:end])
		b = b[end:]
	}
	return out, nil
}

// obuLayout returns the position and the size of the payload of the OBU at the beginning of b.
func obuLayout(b []byte) (at, size int, err error) {
	const where = "OBU"
	if len(b) == 0 {
		return 0, 0, &Error{Where: where, Detail: "is empty", Err: io.ErrUnexpectedEOF}
	}
	if b[0]&obuForbidden != 0 {
		return 0, 0, &Error{Where: where, Detail: "forbidden bit is set", Value: b[0]}
	}
	at = 1
	if b[0]&obuExtension != 0 {
		at++
	}
	if at > len(b) {
		return 0, 0, &Error{Where: where, Detail: "ends inside the header", Err: io.ErrUnexpectedEOF}
	}
	if b[0]&obuHasSize == 0 {
		return at, len(b) - at, nil
	}
	const maxSize = 8 // AV1 4.10.5
	v, n := binary.Uvarint(b[at:min(len(b), at+maxSize)])
	if n <= 0 {
		return 0, 0, &Error{Where: where, Detail: "ends inside the size", Err: io.ErrUnexpectedEOF}
	}
	if at += n; v > uint64(len(b)-at) {
		return 0, 0, &Error{Where: where, Detail: "ends inside a payload of length", Value: v, Err: io.ErrUnexpectedEOF}
	}
	return at, int(v), nil
}

// AppendTemporalUnit appends OBUs as a temporal unit of an .obu file: one temporal delimiter, followed by the OBUs, each with a size. The
// given OBUs may have sizes or, as in RTP, none. Temporal delimiters among them are left out.
//
// The error is an [*Error] if an element is not exactly one OBU; dst is then returned unchanged.
func AppendTemporalUnit(dst []byte, obus [][]byte) ([]byte, error) {
	out, err := appendOBUs(append(dst, obuTemporalDelimiter<<3|obuHasSize, 0), obus)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func appendOBUs(dst []byte, obus [][]byte) ([]byte, error) {
	start := len(dst)
	for _, obu := range obus {
		at, size, err := obuLayout(obu)
		if err == nil && at+size < len(obu) {
			err = &Error{Where: "OBU", Detail: "bytes after the payload", Value: len(obu) - at - size}
		}
		if err != nil {
			return dst[:start], err
		}
		if obuType(obu) != obuTemporalDelimiter {
			dst = appendOBU(dst, obu, obu[at:])
		}
	}
	return dst, nil
}

func appendOBU(dst, obu, payload []byte) []byte {
	dst = append(dst, obu[0]|obuHasSize)
	if obu[0]&obuExtension != 0 {
		dst = append(dst, obu[1])
	}
	dst = binary.AppendUvarint(dst, uint64(len(payload))) // Uvarint is LEB128.
	return append(dst, payload...)
}

// AppendOBU appends an OBU without its size, the format of RTP and WebRTC libraries. The error is an [*Error] if obu is not exactly one
// OBU; dst is then returned unchanged.
func AppendOBU(dst, obu []byte) ([]byte, error) {
	at, size, err := obuLayout(obu)
	if err != nil {
		return dst, err
	}
	dst = append(dst, obu[0]&^obuHasSize)
	if obu[0]&obuExtension != 0 {
		dst = append(dst, obu[1])
	}
	return append(dst, obu[at:at+size]...), nil
}

// SplitTemporalUnits appends the temporal units in b, the content of an .obu file, to units, as slices of b. Each begins with a temporal
// delimiter. The error is an [*Error] if b does not consist of temporal units; units is then returned unchanged.
func SplitTemporalUnits(units [][]byte, b []byte) ([][]byte, error) {
	out, begin := units, 0
	for at := 0; at < len(b); {
		head, size, err := obuLayout(b[at:])
		if err != nil {
			return units, err
		}
		isDelimiter := obuType(b[at:]) == obuTemporalDelimiter
		if at == 0 && !isDelimiter {
			return units, &Error{Where: "temporal units", Detail: "no temporal delimiter at the beginning"}
		}
		if at > 0 && isDelimiter {
			out, begin = append(out, b[begin:at:at]), at
		}
		at += head + size
	}
	if begin < len(b) {
		out = append(out, b[begin:])
	}
	return out, nil
}
