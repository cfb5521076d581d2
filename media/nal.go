package media

import (
	"bytes"
	"encoding/binary"
	"io"
)

// maxUnits is the maximum number of NAL units or OBUs in an access unit. Pictures of the highest level have up to 600 slices. Tiny units in
// a message of 16 MiB would otherwise take hundreds of megabytes.
const maxUnits = 8192

// AppendAnnexB appends NAL units as a byte stream (H.264 annex B, H.265 annex B), each after a start code of four bytes:
//
//	+----------+----------+----------+----------+
//	| 00000001 | NAL unit | 00000001 | NAL unit | ...
//	| 4        |          | 4        |          |
//	+----------+----------+----------+----------+
//
// Encoders write this format, .h264 and .h265 files contain it, and most decoders expect it. Empty NAL units are left out.
func AppendAnnexB(dst []byte, nalus [][]byte) []byte {
	for _, nalu := range nalus {
		if len(nalu) > 0 {
			dst = append(append(dst, 0, 0, 0, 1), nalu...)
		}
	}
	return dst
}

// SplitAnnexB appends the NAL units in b to nalus, as slices of b. b must be a whole access unit; for a pipe, use an [AccessUnitScanner].
// Start codes have three or four bytes, and zeros may follow a NAL unit. If nalus has room, SplitAnnexB does not allocate.
//
// The error is an [*Error] if b does not begin with a start code or has more than 8192 NAL units; nalus is then returned unchanged.
func SplitAnnexB(nalus [][]byte, b []byte) ([][]byte, error) {
	out := nalus
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(b, "\x00"), []byte{1})
	if zeros := len(b) - len(rest) - 1; len(b) > 0 && (!ok || zeros < 2) {
		return nalus, noStartCode()
	}
	for len(rest) > 0 {
		nalu := rest
		if end := bytes.Index(rest, []byte{0, 0, 1}); end >= 0 {
			nalu, rest = rest[:end:end], rest[end+3:]
		} else {
			rest = nil
		}
		if nalu = bytes.TrimRight(nalu, "\x00"); len(nalu) == 0 {
			continue
		}
		if len(out)-len(nalus) == maxUnits {
			return nalus, tooMany("Annex B")
		}
		out = append(out, nalu)
	}
	return out, nil
}

// AppendAVCC appends NAL units in the format of FLV, MP4 and RTMP, each after its length in four bytes:
//
//	+--------+----------+--------+----------+
//	| length | NAL unit | length | NAL unit | ...
//	| 4      | length   | 4      | length   |
//	+--------+----------+--------+----------+
//
// Empty NAL units are left out.
func AppendAVCC(dst []byte, nalus [][]byte) []byte {
	for _, nalu := range nalus {
		if len(nalu) > 0 {
			dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(nalu))), nalu...)
		}
	}
	return dst
}

// SplitAVCC appends the NAL units in b to nalus, as slices of b. lengthSize is the NALLengthSize of the configuration, from 1 to 4 bytes.
// If nalus has room, SplitAVCC does not allocate.
//
// The error is an [*Error] if a length exceeds the rest of b, or if there are more than 8192 NAL units; nalus is then returned unchanged.
func SplitAVCC(nalus [][]byte, b []byte, lengthSize int) ([][]byte, error) {
	const where = "length-prefixed NAL units"
	if lengthSize < 1 || lengthSize > 4 {
		return nalus, &Error{Where: where, Detail: "size of lengths is not from 1 to 4", Value: lengthSize}
	}
	out := nalus
	for len(b) > 0 {
		if len(b) < lengthSize {
			return nalus, &Error{Where: where, Detail: "ends inside a length", Err: io.ErrUnexpectedEOF}
		}
		size := int64(0)
		for _, c := range b[:lengthSize] {
			size = size<<8 | int64(c)
		}
		if b = b[lengthSize:]; size > int64(len(b)) {
			return nalus, &Error{Where: where, Detail: "ends inside a NAL unit of length", Value: size, Err: io.ErrUnexpectedEOF}
		}
		if size == 0 {
			continue
		}
		if len(out)-len(nalus) == maxUnits {
			return nalus, tooMany(where)
		}
		out = append(out, b[:size:size])
		b = b[size:]
	}
	return out, nil
}

func noStartCode() error {
	return &Error{Where: "Annex B", Detail: "no start code at the beginning"}
}

func tooMany(where string) error {
	return &Error{Where: where, Detail: "too many units, limit", Value: maxUnits}
}
