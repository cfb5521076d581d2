package flv

import (
	"bytes"
	"encoding/binary"
)

// av1Metadata is the other OBU type that a configuration may contain.
const av1Metadata = 5

// AppendAV1Config appends a configuration in the format that [ParseAV1Config] reads. It is made from c.OBUs, which must contain a
// sequence header; the other fields of c are ignored. c.OBUs may be a whole temporal unit: AppendAV1Config writes its sequence headers
// and metadata, with sizes, and leaves out other OBUs. An OBU without a size extends to the end of c.OBUs.
//
// The error is an [*Error] if c.OBUs contains no sequence header or is not made of OBUs; dst is then returned unchanged.
func AppendAV1Config(dst []byte, c AV1Config) ([]byte, error) {
	start := len(dst)
	dst = append(dst, av1ConfigVersion, 0, 0, 0)
	found := false
	for rest := c.OBUs; len(rest) > 0; {
		t, payload, next, err := nextOBU(rest)
		if err != nil {
			return dst[:start], shift(err, int64(len(c.OBUs)-len(rest)))
		}
		if t == obuSequenceHeader && !found {
			s, err := parseAV1SequenceHeader(payload)
			if err == nil && !s.complete {
				err = cut("AV1 sequence header", 1)
			}
			if err != nil {
				return dst[:start], shift(err, int64(len(c.OBUs)-len(rest)))
			}
			copy(dst[start+1:], s.fixed())
			found = true
		}
		if t == obuSequenceHeader || t == av1Metadata {
			dst = appendOBU(dst, rest, payload)
		}
		rest = next
	}
	if !found {
		return dst[:start], &Error{Detail: "no sequence header among the OBUs"}
	}
	return dst, nil
}

// appendOBU appends the OBU at the beginning of obu with a size.
func appendOBU(dst, obu, payload []byte) []byte {
	const extension, hasSize = 4, 2
	dst = append(dst, obu[0]|hasSize)
	if obu[0]&extension != 0 {
		dst = append(dst, obu[1])
	}
	dst = binary.AppendUvarint(dst, uint64(len(payload))) // the same format as LEB128
	return append(dst, payload...)
}

// fixed returns the bytes of a configuration after its version, up to the OBUs.
func (s *av1Sequence) fixed() []byte {
	var flags byte
	for _, set := range [...]bool{s.highTier, s.highDepth, s.twelveBits, s.mono} {
		flags <<= 1
		if set {
			flags |= 1
		}
	}
	return []byte{s.profile<<5 | s.level, flags<<4 | s.subsamplingX<<3 | s.subsamplingY<<2 | s.located, 0} // no initial_presentation_delay
}

// Clone returns a copy whose OBUs are not a view.
func (c AV1Config) Clone() AV1Config {
	c.OBUs = bytes.Clone(c.OBUs)
	return c
}
