package flv

import "encoding/binary"

// HEVCConfig is an HEVCDecoderConfigurationRecord, which a decoder of H.265 needs before the first picture.
type HEVCConfig struct {
	Profile       uint8 // general_profile_idc: 1 Main, 2 Main 10
	HighTier      bool
	Level         uint8 // general_level_idc: thirty times the level, 93 for 3.1
	BitDepth      int   // bit depth of luma
	NALLengthSize int   // size of the length before each NAL unit, in bytes: 1, 2 or 4, and 3 in broken files

	VPS, SPS, PPS [][]byte // parameter sets including the NAL unit header; views of the record

	Width, Height int // size of the picture in pixels, after cropping, from the first SPS; 0 if there is none
}

const (
	hevcConfigVersion = 1
	hevcConfigFixed   = 23
	hevcVPSType       = 32
	hevcSPSType       = 33
	hevcPPSType       = 34
	maxHEVCSets       = 64 // sets in one array; H.265 allows 16 VPS, 16 SPS and 64 PPS
	hevcMaxSubLayers  = 7  // H.265 7.4.3.2.1: at most 6 beyond the first
)

// ParseHEVCConfig reads the data of a sequence header of HEVC (ISO/IEC 14496-15 8.3.3.1):
//
//	+---+---------------+------------+-----------------------+-----------+--------------------------------------+-------------+
//	| 1 | profile 8     | level      | segmentation 16,      | bit depth | .., size of lengths 2 | arrays       | per array:  |
//	| 1 | constraints 80| 1          | parallelism 8, chroma | 1, 1      | 3                     | 1            | see below   |
//	+---+---------------+------------+-----------------------+-----------+--------------------------------------+-------------+
//
//	array   +------------------+-------+-------------------+
//	        | .. 2, NAL type 6 | count | { size 2, bytes } |
//	        | 1                | 2     | per NAL unit      |
//	        +------------------+-------+-------------------+
//
// On an error, which is an [*Error], the fields before the faulty one are set. VPS, SPS and PPS are views of b; [HEVCConfig.Clone] copies
// them.
func ParseHEVCConfig(b []byte) (HEVCConfig, error) {
	var c HEVCConfig
	if len(b) < hevcConfigFixed {
		return c, truncated("HEVC configuration", int64(hevcConfigFixed-len(b)))
	}
	if b[0] != hevcConfigVersion {
		return c, &Error{Detail: "version of HEVC configuration is not 1", Value: b[0]}
	}
	c.Profile, c.HighTier, c.Level = b[1]&0x1f, b[1]&0x20 != 0, b[12]
	c.BitDepth = 8 + int(b[17]&7)
	c.NALLengthSize = 1 + int(b[21]&3)
	at := hevcConfigFixed
	for range b[22] {
		var err error
		if at, err = c.parseArray(b, at); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (c *HEVCConfig) parseArray(b []byte, at int) (end int, err error) {
	const head = 3
	if missing := head - (len(b) - at); missing > 0 {
		return at, addOffset(truncated("array of HEVC configuration", int64(missing)), int64(at))
	}
	kind, count := b[at]&0x3f, int(binary.BigEndian.Uint16(b[at+1:]))
	if count > maxHEVCSets {
		return at, &Error{Offset: int64(at), Detail: "too many NAL units in HEVC configuration", Value: count}
	}
	at += head
	sets, end, err := parameterSets(b, at, count)
	if err != nil {
		return end, err
	}
	switch kind {
	case hevcVPSType:
		c.VPS = append(c.VPS, sets...)
	case hevcSPSType:
		if len(c.SPS) == 0 && len(sets) > 0 {
			const length = 2
			sps, err := parseHEVCSPS(sets[0])
			if err != nil {
				return end, addOffset(err, int64(at+length))
			}
			c.Width, c.Height = sps.width, sps.height
		}
		c.SPS = append(c.SPS, sets...)
	case hevcPPSType:
		c.PPS = append(c.PPS, sets...)
	}
	return end, nil
}

// hevcSPS holds the fields of a sequence parameter set of H.265 that a configuration repeats.
type hevcSPS struct {
	width, height                    int
	subLayers                        uint32 // number of sublayers beyond the first
	nested                           bool
	general                          [hevcGeneralSize]byte // profile, compatibility and constraint flags, level
	chroma, lumaDepth8, chromaDepth8 uint32                // depths minus 8, as in the SPS
	complete                         bool                  // read up to the depths
}

// hevcGeneralSize is the size of the general part of profile_tier_level in bytes, in both the SPS and the configuration.
const hevcGeneralSize = 12

// parseHEVCSPS reads a sequence parameter set with its NAL unit header, up to the bit depths (H.265 7.3.2.2.1).
func parseHEVCSPS(nal []byte) (s hevcSPS, err error) {
	const headerSize = 2
	if missing := headerSize - len(nal); missing > 0 {
		return s, truncated("HEVC SPS", int64(missing))
	}
	if nal[0]>>1&0x3f != hevcSPSType {
		return s, &Error{Detail: "NAL unit is not an HEVC SPS", Value: nal[0]}
	}
	r := &bitReader{b: unescape(nal[headerSize:])}
	r.bits(4) // sps_video_parameter_set_id
	s.subLayers = r.bits(3)
	if s.subLayers >= hevcMaxSubLayers {
		return s, &Error{Detail: "sps_max_sub_layers_minus1 of HEVC SPS is above 6", Value: s.subLayers}
	}
	s.nested = r.flag() // sps_temporal_id_nesting_flag
	for i := range s.general {
		s.general[i] = uint8(r.bits(8))
	}
	skipSubLayerLevels(r, int(s.subLayers))
	r.ue() // sps_seq_parameter_set_id
	planes := false
	if s.chroma = r.ue(); s.chroma > chroma444 {
		return s, &Error{Detail: "chroma_format_idc of HEVC SPS is above 3", Value: s.chroma}
	}
	if s.chroma == chroma444 {
		planes = r.flag() // separate_colour_plane_flag
	}
	w, h := int64(r.ue()), int64(r.ue())
	if r.flag() { // conformance_window_flag: counts in chroma samples (H.265 7.4.3.2.1)
		left, right, top, bottom := int64(r.ue()), int64(r.ue()), int64(r.ue()), int64(r.ue())
		unitX, unitY := int64(1), int64(1)
		if !planes && (s.chroma == 1 || s.chroma == 2) {
			unitX = 2
		}
		if !planes && s.chroma == 1 {
			unitY = 2
		}
		w -= unitX * (left + right)
		h -= unitY * (top + bottom)
	}
	if r.short {
		return s, truncated("HEVC SPS", 1)
	}
	if s.width, s.height, err = checkedSize("HEVC SPS", w, h); err != nil {
		return s, err
	}
	s.lumaDepth8, s.chromaDepth8 = r.ue(), r.ue()
	s.complete = !r.short
	return s, nil
}

// skipSubLayerLevels skips the rest of profile_tier_level after its general part (H.265 7.3.3).
func skipSubLayerLevels(r *bitReader, subLayers int) {
	const profileBits, levelBits = 88, 8
	var present [2 * hevcMaxSubLayers]bool // flags for the profile and level of each sublayer
	for i := range 2 * subLayers {
		present[i] = r.flag()
	}
	if subLayers > 0 {
		r.skip(int64(2 * (8 - subLayers))) // reserved
	}
	for i := range 2 * subLayers {
		switch {
		case !present[i]:
		case i%2 == 0:
			r.skip(profileBits)
		default:
			r.skip(levelBits)
		}
	}
}
