package flv

import "bytes"

// Limits of H.264, with which impossible values are rejected.
const (
	nalTypeSPS        = 7
	maxPOCCycle       = 255     // num_ref_frames_in_pic_order_cnt_cycle, H.264 7.4.2.1.1
	maxPictureSize    = 1 << 16 // width or height in pixels, four times what level 6.2 allows
	macroblock        = 16      // pixels
	chroma420         = 1
	chroma444         = 3
	scalingLists      = 8
	scalingLists444   = 12
	smallScalingLists = 6 // the first six are 4x4, the rest 8x8
)

// avcSPS holds the fields of a sequence parameter set of H.264 that a configuration repeats.
type avcSPS struct {
	width, height                    int
	interlaced                       bool
	profile, compatibility, level    uint8
	chroma, lumaDepth8, chromaDepth8 uint32 // depths minus 8, as in the SPS
}

// parseSPS reads a sequence parameter set with its NAL unit header, up to the picture size (H.264 7.3.2.1.1).
func parseSPS(nal []byte) (s avcSPS, err error) {
	if len(nal) == 0 {
		return s, truncated("SPS", 1)
	}
	if nal[0]&0x1f != nalTypeSPS {
		return s, &Error{Detail: "NAL unit is not an SPS", Value: nal[0]}
	}
	r := &bitReader{b: unescape(nal[1:])}
	s.profile, s.compatibility, s.level = uint8(r.bits(8)), uint8(r.bits(8)), uint8(r.bits(8))
	r.ue() // seq_parameter_set_id
	s.chroma = chroma420
	planes := false
	if hasChromaFormat(s.profile) {
		planes = s.parseChromaFormat(r)
	}
	if s.chroma > chroma444 {
		return s, &Error{Detail: "chroma_format_idc of SPS is above 3", Value: s.chroma}
	}
	r.ue() // log2_max_frame_num_minus4
	skipPictureOrder(r)
	r.ue()  // max_num_ref_frames
	r.bit() // gaps_in_frame_num_value_allowed_flag
	return s, s.parsePictureSize(r, planes)
}

// hasChromaFormat reports whether the profile's SPS has the fields from chroma_format_idc on.
func hasChromaFormat(profile uint8) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	}
	return false
}

func (s *avcSPS) parseChromaFormat(r *bitReader) (separatePlanes bool) {
	s.chroma = r.ue()
	lists := scalingLists
	if s.chroma == chroma444 {
		separatePlanes = r.flag()
		lists = scalingLists444
	}
	s.lumaDepth8, s.chromaDepth8 = r.ue(), r.ue()
	r.bit() // qpprime_y_zero_transform_bypass_flag
	if r.flag() {
		for i := range lists {
			if r.flag() {
				skipScalingList(r, i)
			}
		}
	}
	return separatePlanes
}

// skipScalingList implements H.264 7.3.2.1.1.1: a scale of 0 ends the list early.
func skipScalingList(r *bitReader, i int) {
	size := 64
	if i < smallScalingLists {
		size = 16
	}
	last := int32(8)
	for range size {
		if last = (last + r.se()) & 0xff; last == 0 {
			return
		}
	}
}

func skipPictureOrder(r *bitReader) {
	switch r.ue() { // pic_order_cnt_type
	case 0:
		r.ue() // log2_max_pic_order_cnt_lsb_minus4
	case 1:
		r.bit() // delta_pic_order_always_zero_flag
		r.se()  // offset_for_non_ref_pic
		r.se()  // offset_for_top_to_bottom_field
		n := r.ue()
		if n > maxPOCCycle {
			r.short = true
			return
		}
		for range n {
			r.se() // offset_for_ref_frame
		}
	}
}

// parsePictureSize reads from pic_width_in_mbs_minus1 on. Cropping is counted in chroma samples, and in pairs of lines if pictures may be
// fields (H.264 7.4.2.1.1).
func (s *avcSPS) parsePictureSize(r *bitReader, separatePlanes bool) (err error) {
	w, h := int64(r.ue())+1, int64(r.ue())+1
	fields := int64(2)
	if r.flag() { // frame_mbs_only_flag
		fields = 1
	} else {
		s.interlaced = true
		r.bit() // mb_adaptive_frame_field_flag
	}
	r.bit() // direct_8x8_inference_flag
	var left, right, top, bottom int64
	if r.flag() { // frame_cropping_flag
		left, right, top, bottom = int64(r.ue()), int64(r.ue()), int64(r.ue()), int64(r.ue())
	}
	if r.short {
		return truncated("SPS", 1)
	}
	unitX, unitY := int64(1), fields
	if !separatePlanes && (s.chroma == 1 || s.chroma == 2) {
		unitX = 2
	}
	if !separatePlanes && s.chroma == 1 {
		unitY *= 2
	}
	w = w*macroblock - unitX*(left+right)
	h = h*macroblock*fields - unitY*(top+bottom)
	s.width, s.height, err = checkedSize("SPS", w, h)
	return err
}

func checkedSize(where string, w, h int64) (width, height int, err error) {
	if w <= 0 || h <= 0 || w > maxPictureSize || h > maxPictureSize {
		return 0, 0, &Error{Detail: "width and height of " + where + " are impossible", Value: [2]int64{w, h}}
	}
	return int(w), int(h), nil
}

// unescape removes the emulation prevention bytes: 00 00 03 stands for 00 00 (H.264 7.4.1).
func unescape(b []byte) []byte {
	if !bytes.Contains(b, []byte{0, 0, 3}) {
		return b
	}
	out := make([]byte, 0, len(b))
	zeros := 0
	for _, c := range b {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		zeros++
		if c != 0 {
			zeros = 0
		}
		out = append(out, c)
	}
	return out
}
