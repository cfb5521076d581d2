package flv

import "encoding/binary"

// VVCConfig is a VVCDecoderConfigurationRecord, which a decoder of H.266 needs before the first picture.
type VVCConfig struct {
	NALLengthSize int // size of the length before each NAL unit, in bytes: 1, 2 or 4

	// The following fields are 0 in a record without profile, tier and level.
	Profile       uint8 // general_profile_idc: 1 Main 10
	HighTier      bool
	Level         uint8 // general_level_idc: sixteen times the major and three times the minor level, 67 for 4.1
	BitDepth      int
	Width, Height int // the largest picture, in pixels

	Sets [][]byte // VPS, SPS, PPS and others including the NAL unit header, in the order of the record; views of the record
}

const (
	vvcOPI     = 12 // H.266 table 5: arrays of these two types have one NAL unit and no count
	vvcDCI     = 13
	maxVVCSets = 256 // sets in one array; H.266 allows 16 VPS, 16 SPS and 64 PPS
)

// ParseVVCConfig reads the data of a sequence header of VVC (ISO/IEC 14496-15 11.2.4.2.2). All sizes are in bits:
//
//	+------+-----------+-------+  +-------------------+---------+-----------+------+--------------+----------+
//	| 31 5 | lengths 2 | PTL 1 |  | output layer set 9| layers 3| frame     | 31 5 | VvcPTLRecord | width 16 |
//	|      |           |       |  |                   |         | rate 2,   |      |              | height 16|
//	|      |           |       |  |                   |         | chroma 2, |      |              | rate 16  |
//	|      |           |       |  | if PTL            |         | depth 3   |      |              |          |
//	+------+-----------+-------+  +-------------------+---------+-----------+------+--------------+----------+
//
// Arrays of parameter sets follow as in HEVC's record, but with five bits of type, or are missing. On an error, which is an [*Error], the
// fields before the faulty one are set. Sets are views of b; [VVCConfig.Clone] copies them.
func ParseVVCConfig(b []byte) (VVCConfig, error) {
	r := &bitReader{b: b}
	r.bits(5)
	c := VVCConfig{NALLengthSize: 1 + int(r.bits(2))}
	if !r.flag() { // ptl_present_flag
		if r.short {
			return VVCConfig{}, truncated("VVC configuration", 1)
		}
		return c, c.parseSets(b, r.pos)
	}
	r.bits(9) // ols_idx
	subLayers := int(r.bits(3))
	r.bits(2 + 2) // constant_frame_rate, chroma_format_idc
	c.BitDepth = 8 + int(r.bits(3))
	r.bits(5)
	c.parsePTL(r, subLayers)
	w, h := int64(r.bits(16)), int64(r.bits(16))
	if r.short {
		return VVCConfig{}, truncated("VVC configuration", 1)
	}
	var err error
	if c.Width, c.Height, err = checkedSize("VVC configuration", w, h); err != nil {
		return c, err
	}
	const frameRateBits = 16
	return c, c.parseSets(b, r.pos+frameRateBits)
}

// parseSets reads the arrays of parameter sets from the given bit of b on.
func (c *VVCConfig) parseSets(b []byte, bit int64) error {
	at := int(bit / 8)
	if at >= len(b) {
		return nil
	}
	arrays := b[at]
	at++
	for range arrays {
		if at == len(b) {
			return addOffset(truncated("array of VVC configuration", 1), int64(at))
		}
		kind, count := b[at]&0x1f, 1
		if at++; kind != vvcOPI && kind != vvcDCI {
			if missing := 2 - (len(b) - at); missing > 0 {
				return addOffset(truncated("array of VVC configuration", int64(missing)), int64(at))
			}
			count = int(binary.BigEndian.Uint16(b[at:]))
			if count > maxVVCSets {
				return &Error{Offset: int64(at), Detail: "too many NAL units in VVC configuration", Value: count}
			}
			at += 2
		}
		sets, end, err := parameterSets(b, at, count)
		if err != nil {
			return err
		}
		c.Sets, at = append(c.Sets, sets...), end
	}
	return nil
}

// Clone returns a copy whose parameter sets are not views.
func (c VVCConfig) Clone() VVCConfig {
	c.Sets = cloneSets(c.Sets)
	return c
}

// parsePTL reads a VvcPTLRecord (ISO/IEC 14496-15 11.2.4.2.2).
func (c *VVCConfig) parsePTL(r *bitReader, subLayers int) {
	r.bits(2)
	constraintBytes := int64(r.bits(6))
	c.Profile, c.HighTier, c.Level = uint8(r.bits(7)), r.flag(), uint8(r.bits(8))
	r.bits(1 + 1) // ptl_frame_only_constraint_flag, ptl_multilayer_enabled_flag
	r.skip(max(8*constraintBytes-2, 0))
	levels := int64(0)
	if subLayers > 1 {
		for i := range 8 { // flags of the sublayers below the highest, and zeros up to eight bits
			if r.flag() && i < subLayers-1 {
				levels++
			}
		}
	}
	r.skip(8 * levels)
	const subProfileBits = 32
	r.skip(subProfileBits * int64(r.bits(8)))
}
