package media

import "math/bits"

// nalRole says what a NAL unit means for the boundaries of access units.
type nalRole uint8

const (
	nalOther nalRole = iota
	nalFirst         // begins an access unit if the next slice begins a picture
	nalSlice         // is a slice of a picture; see pictureBounds
	nalExtra         // is a further part of the same picture: another layer or view, a redundant slice or a partition
)

// NAL unit types of H.264, table 7-1.
const (
	avcSlice     = 1
	avcPartition = 2 // partition A, which has the slice header; B and C are 3 and 4
	avcIDR       = 5
	avcSEI       = 6
	avcAUD       = 9
	avcPrefix    = 14 // 14 to 18 are reserved for units before a picture
	avcReserved  = 18
	avcAuxiliary = 19
	avcExtension = 21
)

// NAL unit types of H.265, table 7-1.
const (
	hevcSlices    = 9 // the types of slices are 0 to 9
	hevcIRAP      = 16
	hevcCRA       = 21
	hevcVCL       = 31 // the types of VCL NAL units are 0 to 31
	hevcAUD       = 35
	hevcPrefixSEI = 39
	hevcReserved  = 41 // 41 to 44 are reserved
	hevcReserved2 = 44
	hevcUnspec    = 48 // 48 to 55 are unspecified
	hevcUnspec2   = 55
)

// pictureBounds finds the first slice of each picture (H.264 7.4.1.2.3 and 7.4.1.2.4, H.265 7.4.2.4.4). For H.264 it needs no parameter
// sets: a slice begins a picture if its first macroblock is not after the first macroblock of the previous slice, or if only one of the two
// slices belongs to an IDR picture or to a reference picture. Like libavcodec, pictureBounds does not support arbitrary slice order and
// redundant slices, which only the baseline and extended profiles allow.
type pictureBounds struct {
	codec   Codec
	started bool // a slice has been seen

	// The fields below describe the previous slice of H.264.
	macroblock     uint32
	idr, reference bool
}

// classify returns the role of a NAL unit. For a slice, begins reports whether it begins a picture. ok is false if nalu is too short.
func (p *pictureBounds) classify(nalu []byte) (role nalRole, begins, ok bool) {
	if p.codec == H265 {
		return p.classifyHEVC(nalu)
	}
	return p.classifyAVC(nalu)
}

func (p *pictureBounds) classifyAVC(nalu []byte) (role nalRole, begins, ok bool) {
	if len(nalu) == 0 {
		return 0, false, false
	}
	switch t := nalu[0] & 0x1f; {
	case t == avcSlice, t == avcPartition, t == avcIDR:
		macroblock, ok := firstMacroblock(nalu[1:])
		if !ok {
			return 0, false, false
		}
		idr, reference := t == avcIDR, nalu[0]&0x60 != 0
		begins = !p.started || macroblock <= p.macroblock || idr != p.idr || reference != p.reference
		p.started, p.macroblock, p.idr, p.reference = true, macroblock, idr, reference
		return nalSlice, begins, true
	case t < avcIDR && t > avcPartition, t >= avcAuxiliary && t <= avcExtension:
		return nalExtra, false, true
	case t >= avcSEI && t <= avcAUD, t >= avcPrefix && t <= avcReserved:
		return nalFirst, false, true
	}
	return nalOther, false, true
}

func (p *pictureBounds) classifyHEVC(nalu []byte) (role nalRole, begins, ok bool) {
	const header = 2
	if len(nalu) < header {
		return 0, false, false
	}
	t, layer := nalu[0]>>1&0x3f, nalu[0]&1<<5|nalu[1]>>3
	switch {
	case t <= hevcVCL && layer != 0, t > hevcSlices && t < hevcIRAP, t > hevcCRA && t <= hevcVCL:
		return nalExtra, false, true
	case t <= hevcVCL && len(nalu) == header:
		return 0, false, false
	case t <= hevcVCL:
		begins = !p.started || nalu[header]&0x80 != 0 // first_slice_segment_in_pic_flag
		p.started = true
		return nalSlice, begins, true
	case layer != 0:
		return nalOther, false, true
	case t <= hevcAUD, t == hevcPrefixSEI, t >= hevcReserved && t <= hevcReserved2, t >= hevcUnspec && t <= hevcUnspec2:
		return nalFirst, false, true
	}
	return nalOther, false, true
}

// firstMacroblock reads first_mb_in_slice, the Exp-Golomb number at the beginning of a slice header (H.264 7.3.3, 9.1). A number of more
// than 32 bits becomes 0. ok is false if b is too short.
func firstMacroblock(b []byte) (number uint32, ok bool) {
	var field uint64 // the first 8 bytes, without emulation prevention bytes
	have, zeros := 0, 0
	for _, c := range b {
		switch {
		case zeros >= 2 && c == 3:
			zeros = 0
			continue
		case c == 0:
			zeros++
		default:
			zeros = 0
		}
		field |= uint64(c) << (56 - have)
		if have += 8; have == 64 {
			break
		}
	}
	size := 2*bits.LeadingZeros64(field) + 1
	if size > have {
		return 0, have == 64
	}
	return uint32(field>>(64-size) - 1), true
}
