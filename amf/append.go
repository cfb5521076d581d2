package amf

import (
	"encoding/binary"
	"math"
)

// AMF0 type markers (AMF 0 specification, section 2.1). Movieclip (04) and recordset (0E) are reserved and never sent.
const (
	markerNumber      = 0x00
	markerBoolean     = 0x01
	markerString      = 0x02
	markerObject      = 0x03
	markerNull        = 0x05
	markerUndefined   = 0x06
	markerReference   = 0x07
	markerECMAArray   = 0x08
	markerObjectEnd   = 0x09
	markerStrictArray = 0x0A
	markerDate        = 0x0B
	markerLongString  = 0x0C
	markerUnsupported = 0x0D
	markerXML         = 0x0F
	markerTypedObject = 0x10
	markerAVMPlus     = 0x11 // one AMF3 value follows
)

// Sizes in bytes.
const (
	maxShortString = math.MaxUint16 // the length field has 16 bits
	sizeOfNumber   = 8
	sizeOfTimeZone = 2
)

// AppendNumber appends an AMF0 number:
//
//	+----+-----------------------+
//	| 00 | IEEE double (8 bytes) |
//	+----+-----------------------+
func AppendNumber(dst []byte, f float64) []byte {
	return appendDouble(append(dst, markerNumber), f)
}

// AppendBoolean appends an AMF0 boolean.
func AppendBoolean(dst []byte, b bool) []byte {
	if b {
		return append(dst, markerBoolean, 1)
	}
	return append(dst, markerBoolean, 0)
}

// AppendString appends an AMF0 string, or a long string when s is longer than 65535 bytes. s must be shorter than 4 GiB.
//
//	+----+------------+-------+     +----+------------+-------+
//	| 02 | length (2) | bytes |     | 0C | length (4) | bytes |
//	+----+------------+-------+     +----+------------+-------+
func AppendString(dst []byte, s string) []byte {
	if len(s) > maxShortString {
		return appendLongText(append(dst, markerLongString), s)
	}
	return AppendKey(append(dst, markerString), s)
}

// AppendNull appends an AMF0 null.
func AppendNull(dst []byte) []byte { return append(dst, markerNull) }

// AppendUndefined appends an AMF0 undefined.
func AppendUndefined(dst []byte) []byte { return append(dst, markerUndefined) }

// AppendObjectStart begins an object. Append the members after it, each with AppendKey and a value, and then AppendObjectEnd.
func AppendObjectStart(dst []byte) []byte { return append(dst, markerObject) }

// AppendECMAArrayStart begins an ECMA array of count members. Append the members and the end after it as for an object.
func AppendECMAArrayStart(dst []byte, count uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, markerECMAArray), count)
}

// AppendStrictArrayStart begins a strict array. Exactly count values must follow; a strict array has no end marker.
func AppendStrictArrayStart(dst []byte, count uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, markerStrictArray), count)
}

// AppendKey appends the name of a member. A name longer than 65535 bytes, which AMF0 cannot express, is truncated.
func AppendKey(dst []byte, name string) []byte {
	name = name[:min(len(name), maxShortString)]
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(name)))
	return append(dst, name...)
}

// AppendObjectEnd ends an object or an ECMA array: an empty name and the end marker.
func AppendObjectEnd(dst []byte) []byte {
	return append(dst, 0, 0, markerObjectEnd)
}

func appendDouble(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(f))
}

func appendLongText(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}
