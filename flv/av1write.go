package flv

import (
	"bytes"

	"github.com/go-librtmp/rtmp/internal/obu"
)

// AppendAV1Config appends a configuration in the format that [ParseAV1Config] reads, made from c.OBUs; the other fields of c are ignored.
// c.OBUs may be a whole temporal unit: only its sequence headers and metadata are written, with sizes. An OBU without a size extends to the
// end of c.OBUs.
//
// The error is an [*Error] if c.OBUs contains no sequence header or is not made of OBUs; dst is then returned unchanged.
func AppendAV1Config(dst []byte, c AV1Config) ([]byte, error) {
	start := len(dst)
	dst = append(dst, av1ConfigVersion, 0, 0, 0)
	found := false
	for rest := c.OBUs; len(rest) > 0; {
		t, payload, next, err := nextOBU(rest)
		if err != nil {
			return dst[:start], addOffset(err, int64(len(c.OBUs)-len(rest)))
		}
		if t == obu.SequenceHeader && !found {
			s, err := parseAV1SequenceHeader(payload)
			if err == nil && !s.complete {
				err = truncated("AV1 sequence header", 1)
			}
			if err != nil {
				return dst[:start], addOffset(err, int64(len(c.OBUs)-len(rest)))
			}
			copy(dst[start+1:], s.fixed())
			found = true
		}
		if t == obu.SequenceHeader || t == obu.Metadata {
			dst = obu.Append(dst, rest, payload)
		}
		rest = next
	}
	if !found {
		return dst[:start], &Error{Detail: "no sequence header among the OBUs"}
	}
	return dst, nil
}

func (s *av1Sequence) fixed() []byte {
	var flags byte
	for _, set := range [...]bool{s.highTier, s.highDepth, s.twelveBits, s.mono} {
		flags <<= 1
		if set {
			flags |= 1
		}
	}
	return []byte{s.profile<<5 | s.level, flags<<4 | s.subsamplingX<<3 | s.subsamplingY<<2 | s.chromaPosition, 0} // no initial_presentation_delay
}

// Clone returns a copy whose OBUs are not a view.
func (c AV1Config) Clone() AV1Config {
	c.OBUs = bytes.Clone(c.OBUs)
	return c
}
