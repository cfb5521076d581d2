package flv

import "github.com/go-librtmp/rtmp/internal/obu"

// AV1Config is an AV1CodecConfigurationRecord, which a decoder of AV1 needs before the first picture.
type AV1Config struct {
	Profile    uint8 // seq_profile: 0 Main, 1 High, 2 Professional
	Level      uint8 // seq_level_idx_0: four times (major level - 2), plus the minor level: 5 for 3.1
	HighTier   bool
	BitDepth   int // 8, 10 or 12
	Monochrome bool

	OBUs []byte // a sequence header and metadata, often empty; a view of the record

	Width, Height int // size of the largest picture in pixels, from the sequence header; 0 if OBUs has none
}

const (
	av1ConfigFixed   = 4
	av1ConfigVersion = 0x81 // a marker bit, and version 1
)

// ParseAV1Config reads the data of a sequence header of AV1 (AV1 Codec ISO Media File Format Binding 2.3.3). All fields are of
// bits:
//
//	+-----+-----------+-----------+---------+--------+------+-------+--------+----------+-------------------+------+
//	| 1 1 | version 7 | profile 3 | level 5 | tier 1 | 10 1 | 12  1 | mono 1 | chroma 4 | presentation .. 8 | OBUs |
//	+-----+-----------+-----------+---------+--------+------+-------+--------+----------+-------------------+------+
//
// On an error, which is an [*Error], the fields before the faulty one are set. OBUs is a view of b; [AV1Config.Clone] copies it.
func ParseAV1Config(b []byte) (AV1Config, error) {
	var c AV1Config
	if missing := av1ConfigFixed - len(b); missing > 0 {
		return c, truncated("AV1 configuration", int64(missing))
	}
	if b[0] != av1ConfigVersion {
		return c, &Error{Detail: "marker and version of AV1 configuration are not 0x81", Value: b[0]}
	}
	c.Profile, c.Level = b[1]>>5, b[1]&0x1f
	c.HighTier, c.Monochrome = b[2]&0x80 != 0, b[2]&0x10 != 0
	c.BitDepth = 8 + int(b[2]>>6&1)*2
	if b[2]&0x60 == 0x60 { // high_bitdepth and twelve_bit
		c.BitDepth = 12
	}
	c.OBUs = b[av1ConfigFixed:]
	var err error
	c.Width, c.Height, err = av1Size(c.OBUs)
	return c, addOffset(err, av1ConfigFixed)
}

// av1Size returns the size in the first sequence header, or 0 if there is none.
func av1Size(obus []byte) (width, height int, err error) {
	for rest := obus; len(rest) > 0; {
		at := int64(len(obus) - len(rest))
		t, payload, next, err := nextOBU(rest)
		if err != nil {
			return 0, 0, addOffset(err, at)
		}
		if t == obu.SequenceHeader {
			s, err := parseAV1SequenceHeader(payload)
			return s.width, s.height, addOffset(err, at)
		}
		rest = next
	}
	return 0, 0, nil
}

// nextOBU removes the first open bitstream unit from b.
func nextOBU(b []byte) (t uint8, payload, rest []byte, err error) {
	at, size, bad := obu.Layout(b)
	if bad != nil {
		return 0, nil, nil, &Error{Detail: "OBU: " + bad.Detail, Value: bad.Value, Err: bad.Err}
	}
	end := at + size
	return obu.Type(b), b[at:end:end], b[end:], nil
}

// av1Sequence holds the fields of a sequence header that a configuration repeats.
type av1Sequence struct {
	width, height  int
	profile, level uint8 // level and tier are those of the first operating point
	highTier       bool

	complete                                   bool // everything up to the end of color_config was read
	highDepth, twelveBits, mono                bool
	subsamplingX, subsamplingY, chromaPosition uint8 // chromaPosition is chroma_sample_position
}

// parseAV1SequenceHeader reads a sequence header, up to color_config (AV1 5.5.1).
func parseAV1SequenceHeader(b []byte) (s av1Sequence, err error) {
	r := &bitReader{b: b}
	s.profile = uint8(r.bits(3))
	r.bit() // still_picture
	reduced := r.flag()
	if reduced {
		s.level = uint8(r.bits(5))
	} else {
		s.parseOperatingPoints(r)
	}
	widthBits, heightBits := int(r.bits(4))+1, int(r.bits(4))+1
	w, h := int64(r.bits(widthBits))+1, int64(r.bits(heightBits))+1
	if r.short {
		return s, truncated("AV1 sequence header", 1)
	}
	if s.width, s.height, err = checkedSize("AV1 sequence header", w, h); err != nil {
		return s, err
	}
	skipAV1Tools(r, reduced)
	s.parseColor(r)
	s.complete = !r.short
	return s, nil
}

// parseOperatingPoints reads from timing_info_present_flag to the last operating point.
func (s *av1Sequence) parseOperatingPoints(r *bitReader) {
	delayBits := int64(0)
	if r.flag() { // timing_info_present_flag
		r.skip(32 + 32) // num_units_in_display_tick, time_scale
		if r.flag() {   // equal_picture_interval
			r.ue() // num_ticks_per_picture_minus_1, which uvlc() codes as H.264's ue(v)
		}
		if r.flag() { // decoder_model_info_present_flag
			delayBits = int64(r.bits(5)) + 1
			r.skip(32 + 5 + 5) // num_units_in_decoding_tick, lengths of removal and presentation time
		}
	}
	displayDelay := r.flag()
	for i := range r.bits(5) + 1 { // operating_points_cnt_minus_1
		r.bits(12) // operating_point_idc
		level, tier := uint8(r.bits(5)), false
		if level > 7 {
			tier = r.flag()
		}
		if i == 0 {
			s.level, s.highTier = level, tier
		}
		if delayBits > 0 && r.flag() { // decoder_model_present_for_this_op
			r.skip(2*delayBits + 1) // delays of decoder and encoder, low_delay_mode_flag
		}
		if displayDelay && r.flag() {
			r.bits(4) // initial_display_delay_minus_1
		}
	}
}

// skipAV1Tools reads from frame_id_numbers_present_flag to enable_restoration.
func skipAV1Tools(r *bitReader, reduced bool) {
	if !reduced && r.flag() { // frame_id_numbers_present_flag
		r.bits(4 + 3) // lengths of delta_frame_id and of frame_id
	}
	r.bits(3) // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
	if !reduced {
		r.bits(4)     // interintra, masked compound, warped motion, dual filter
		if r.flag() { // enable_order_hint
			r.bits(2) // enable_jnt_comp, enable_ref_frame_mvs
			skipAV1Forced(r)
			r.bits(3) // order_hint_bits_minus_1
		} else {
			skipAV1Forced(r)
		}
	}
	r.bits(3) // enable_superres, enable_cdef, enable_restoration
}

// skipAV1Forced reads whether screen content tools and integer motion vectors are forced.
func skipAV1Forced(r *bitReader) {
	if choose := r.flag(); choose || r.flag() { // seq_choose_screen_content_tools, seq_force_screen_content_tools
		if !r.flag() { // seq_choose_integer_mv
			r.bit() // seq_force_integer_mv
		}
	}
}

// parseColor reads color_config (AV1 5.5.2).
func (s *av1Sequence) parseColor(r *bitReader) {
	const professional, sRGB, sRGBTransfer, identity = 2, 1, 13, 0
	s.highDepth = r.flag()
	if s.profile == professional && s.highDepth {
		s.twelveBits = r.flag()
	}
	s.mono = s.profile != 1 && r.flag()
	primaries, transfer, matrix := uint32(2), uint32(2), uint32(2) // unspecified
	if r.flag() {                                                  // color_description_present_flag
		primaries, transfer, matrix = r.bits(8), r.bits(8), r.bits(8)
	}
	if s.mono {
		r.bit() // color_range
		s.subsamplingX, s.subsamplingY = 1, 1
		return
	}
	if primaries == sRGB && transfer == sRGBTransfer && matrix == identity {
		return
	}
	r.bit() // color_range
	switch {
	case s.profile == 0:
		s.subsamplingX, s.subsamplingY = 1, 1
	case s.profile == professional && s.twelveBits:
		if s.subsamplingX = uint8(r.bit()); s.subsamplingX == 1 {
			s.subsamplingY = uint8(r.bit())
		}
	case s.profile == professional:
		s.subsamplingX = 1
	}
	if s.subsamplingX == 1 && s.subsamplingY == 1 {
		s.chromaPosition = uint8(r.bits(2))
	}
}
