package media

import "github.com/go-librtmp/rtmp/internal/obu"

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
	at, size, bad := obu.Layout(b)
	if bad != nil {
		return 0, 0, &Error{Where: "OBU", Detail: bad.Detail, Value: bad.Value, Err: bad.Err}
	}
	return at, size, nil
}

// AppendTemporalUnit appends OBUs as a temporal unit of an .obu file: one temporal delimiter, followed by the OBUs, each with a size. The
// given OBUs may have sizes or, as in RTP, none. Temporal delimiters among them are left out.
//
// The error is an [*Error] if an element is not exactly one OBU; dst is then returned unchanged.
func AppendTemporalUnit(dst []byte, obus [][]byte) ([]byte, error) {
	out, err := appendOBUs(obu.Append(dst, []byte{obu.TemporalDelimiter << 3}, nil), obus)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func appendOBUs(dst []byte, obus [][]byte) ([]byte, error) {
	start := len(dst)
	for _, b := range obus {
		at, err := oneOBU(b)
		if err != nil {
			return dst[:start], err
		}
		if obu.Type(b) != obu.TemporalDelimiter {
			dst = obu.Append(dst, b, b[at:])
		}
	}
	return dst, nil
}

// oneOBU returns the position of the payload of an OBU, or an error if b is not exactly one OBU.
func oneOBU(b []byte) (at int, err error) {
	at, size, err := obuLayout(b)
	if err == nil && at+size < len(b) {
		err = &Error{Where: "OBU", Detail: "bytes after the payload", Value: len(b) - at - size}
	}
	return at, err
}

// AppendOBU appends an OBU without its size, the format of RTP and WebRTC libraries. The error is an [*Error] if b is not exactly one OBU;
// dst is then returned unchanged.
func AppendOBU(dst, b []byte) ([]byte, error) {
	at, err := oneOBU(b)
	if err != nil {
		return dst, err
	}
	return obu.AppendBare(dst, b, b[at:]), nil
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
		isDelimiter := obu.Type(b[at:]) == obu.TemporalDelimiter
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
