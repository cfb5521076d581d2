package media

import "math/bits"

// nalRole says what a NAL unit means for where an access unit begins.
type nalRole uint8

const (
	nalOther nalRole = iota
	nalFirst         // begins an access unit, if a picture follows that does
	nalSlice         // of the picture, see pictureBounds
	nalExtra         // a further part of the picture: of another layer or view, redundant or partitioned
)

// Types of NAL units: H.264 table 7-1.
const (
	avcSlice     = 1
	avcPartition = 2 // A, which has the slice header; B and C follow
	avcIDR       = 5
	avcSEI       = 6
	avcAUD       = 9
	avcPrefix    = 14 // to 18: reserved for what precedes a picture
	avcReserved  = 18
	avcAuxiliary = 19
	avcExtension = 21
)

// Types of NAL units: H.265 table 7-1.
const (
	hevcSlices    = 9 // and those below it
	hevcIRAP      = 16
	hevcCRA       = 21
	hevcVCL       = 31 // and those below it
	hevcAUD       = 35
	hevcPrefixSEI = 39
	hevcReserved  = 41 // to 44
	hevcReserved2 = 44
	hevcUnspec    = 48 // to 55
	hevcUnspec2   = 55
)

// pictureBounds finds the beginnings of pictures among the NAL units of a stream, by H.264 7.4.1.2.3 and 7.4.1.2.4, H.265 7.4.2.4.4. Of
// H.264 it needs no parameter sets: a slice begins a picture if it does not follow the slice before it in the picture, or if only
// one of them is of an IDR or of a reference picture. It takes no slices in arbitrary order, nor redundant ones, which only the baseline
// and extended profiles allow; libavcodec does not take them either.
type pictureBounds struct {
	codec Codec
	any   bool // there was a slice

	// Of the slice before, H.264.
	macroblock     uint32
	idr, reference bool
}

// look returns the role of a NAL unit, and of a slice whether it begins a picture. ok is false if the beginning of a NAL unit is not
// enough: it is to be called again with more.
func (p *pictureBounds) look(nalu []byte) (role nalRole, begins, ok bool) {
	if p.codec == H265 {
		return p.lookHEVC(nalu)
	}
	return p.lookAVC(nalu)
}

func (p *pictureBounds) lookAVC(nalu []byte) (role nalRole, begins, ok bool) {
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
		begins = !p.any || macroblock <= p.macroblock || idr != p.idr || reference != p.reference
		p.any, p.macroblock, p.idr, p.reference = true, macroblock, idr, reference
		return nalSlice, begins, true
	case t < avcIDR && t > avcPartition, t >= avcAuxiliary && t <= avcExtension:
		return nalExtra, false, true
	case t >= avcSEI && t <= avcAUD, t >= avcPrefix && t <= avcReserved:
		return nalFirst, false, true
	}
	return nalOther, false, true
}

func (p *pictureBounds) lookHEVC(nalu []byte) (role nalRole, begins, ok bool) {
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
		begins = !p.any || nalu[header]&0x80 != 0 // first_slice_segment_in_pic_flag
		p.any = true
		return nalSlice, begins, true
	case layer != 0:
		return nalOther, false, true
	case t <= hevcAUD, t == hevcPrefixSEI, t >= hevcReserved && t <= hevcReserved2, t >= hevcUnspec && t <= hevcUnspec2:
		return nalFirst, false, true
	}
	return nalOther, false, true
}

// firstMacroblock reads first_mb_in_slice, with which a slice header begins: an Exp-Golomb number (H.264 7.3.3, 9.1). Of one with more than
// 32 bits, which no picture has, it returns 0. ok is false if b is too short.
func firstMacroblock(b []byte) (number uint32, ok bool) {
	var field uint64 // the first 8 bytes, without emulation prevention
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
