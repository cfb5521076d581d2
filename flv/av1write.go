package flv

import (
	"bytes"
	"encoding/binary"
)

// av1Metadata is the other type of OBU that a configuration may have.
const av1Metadata = 5

// AppendAV1Config appends what [ParseAV1Config] reads, made of c.OBUs: everything else is in the sequence header that must be among
// them. An OBU without a size extends to the end of c.OBUs. Sequence headers and metadata are written, with sizes, as a
// configuration wants them; others, a whole temporal unit may have them, are left out. Nothing of c is kept.
//
// If there is no sequence header, or something else than OBUs, the error is an [*Error], and dst comes back as it was.
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
	dst = binary.AppendUvarint(dst, uint64(len(payload))) // which is LEB128
	return append(dst, payload...)
}

// fixed returns the bytes that follow the version.
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
