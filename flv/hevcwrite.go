package flv

import "encoding/binary"

// AppendHEVCConfig appends a configuration in the format that [ParseHEVCConfig] reads, made from c.VPS, c.SPS, c.PPS and c.NALLengthSize (0
// means 4). The other fields are ignored: their values come from the first SPS.
//
// The error is an [*Error] if the parameter sets can't be written or the first SPS can't be parsed; dst is then returned unchanged.
func AppendHEVCConfig(dst []byte, c HEVCConfig) ([]byte, error) {
	lengthSize, err := lengthSizeBits(c.NALLengthSize)
	if err != nil {
		return dst, err
	}
	arrays := [...]struct {
		kind byte
		sets [][]byte
	}{{hevcVPSType, c.VPS}, {hevcSPSType, c.SPS}, {hevcPPSType, c.PPS}}
	for _, a := range arrays {
		if len(a.sets) == 0 || len(a.sets) > maxHEVCSets {
			return dst, &Error{Detail: "number of VPS, SPS or PPS is not from 1 to 64", Value: len(a.sets)}
		}
	}
	sps, err := parseHEVCSPS(c.SPS[0])
	if err == nil && !sps.complete {
		err = truncated("HEVC SPS", 1)
	}
	if err != nil {
		return dst, err
	}
	start := len(dst)
	dst = sps.appendFixed(dst, lengthSize)
	dst = append(dst, byte(len(arrays)))
	for _, a := range arrays {
		dst = append(dst, a.kind) // array_completeness 0: pictures may contain other sets
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(a.sets)))
		if dst, err = appendParameterSets(dst, a.sets); err != nil {
			return dst[:start], err
		}
	}
	return dst, nil
}

// appendFixed appends the part before the arrays. Fields that would need video usability information are marked as unknown.
func (s *hevcSPS) appendFixed(dst []byte, lengthSize byte) []byte {
	dst = append(append(dst, hevcConfigVersion), s.general[:]...)
	dst = append(dst, 0xf0, 0, // min_spatial_segmentation_idc
		0xfc,                // parallelismType
		0xfc|byte(s.chroma), // the leading ones are reserved bits
		0xf8|byte(s.lumaDepth8&7), 0xf8|byte(s.chromaDepth8&7),
		0, 0) // avgFrameRate
	layers := byte(s.subLayers+1) << 3 // the leading bits are constantFrameRate, 0
	if s.nested {
		layers |= 4
	}
	return append(dst, layers|lengthSize)
}

// Clone returns a copy whose parameter sets are not views.
func (c HEVCConfig) Clone() HEVCConfig {
	c.VPS, c.SPS, c.PPS = cloneSets(c.VPS), cloneSets(c.SPS), cloneSets(c.PPS)
	return c
}
