package fmp4

import "encoding/binary"

// sample is a unit in a fragment. Its bytes are in its track's data.
type sample struct {
	duration uint32 // ticks
	offset   int32  // of the presentation time from the decoding time, ticks
	size     int
	key      bool
}

// Flags of boxes (ISO/IEC 14496-12 8.8.7, 8.8.8) and samples (8.8.3.1).
const (
	baseIsMoof = 0x020000 // in tfhd
	trunFields = 0x000f01 // in trun: a data offset; duration, size, flags and composition time offset of each sample

	independent = 2 << 24       // sample_depends_on: no other
	dependent   = 1<<24 | 1<<16 // sample_depends_on: others; sample_is_non_sync_sample
)

// boxes is a sequence of boxes, to which more are appended.
//
// mediacommon has the same; but it sets up a description of each field and an object for each sample, and takes twenty times as long, which
// every viewer costs ten times in a second.
type boxes []byte

// open begins a box, which close ends. at is its place.
func (b *boxes) open(name string) (at int) {
	at = len(*b)
	*b = append(*b, 0, 0, 0, 0)
	*b = append(*b, name...)
	return at
}

func (b boxes) close(at int) { binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at)) }

func (b *boxes) put(values ...uint32) {
	for _, v := range values {
		*b = binary.BigEndian.AppendUint32(*b, v)
	}
}

// fragment appends a fragment with the samples of tracks, of which at least one has some:
//
//	moof
//	    mfhd                number
//	    traf                of each track with samples
//	        tfhd tfdt trun
//	mdat                    the samples' bytes, track after track
func (b *boxes) fragment(number uint32, tracks []*track) {
	moof := b.open("moof")
	mfhd := b.open("mfhd")
	b.put(0, number)
	b.close(mfhd)
	for i, t := range tracks {
		if len(t.samples) > 0 {
			t.dataOffset = b.traf(uint32(i+1), t)
		}
	}
	b.close(moof)
	mdat := b.open("mdat")
	for _, t := range tracks {
		if len(t.samples) > 0 {
			binary.BigEndian.PutUint32((*b)[t.dataOffset:], uint32(len(*b)-moof))
			*b = append(*b, t.complete()...)
			t.forget()
		}
	}
	b.close(mdat)
}

// traf appends what the fragment has of a track. It returns where the offset of its data, from moof on, has to be put.
func (b *boxes) traf(id uint32, t *track) (dataOffset int) {
	traf := b.open("traf")
	tfhd := b.open("tfhd")
	b.put(baseIsMoof, id)
	b.close(tfhd)
	tfdt := b.open("tfdt")
	b.put(1<<24, uint32(t.base>>32), uint32(t.base)) // version 1: 64 bits
	b.close(tfdt)
	trun := b.open("trun")
	b.put(1<<24|trunFields, uint32(len(t.samples))) // version 1: signed composition time offsets
	dataOffset = len(*b)
	b.put(0)
	for _, s := range t.samples {
		flags := uint32(dependent)
		if s.key {
			flags = independent
		}
		b.put(s.duration, uint32(s.size), flags, uint32(s.offset))
	}
	b.close(trun)
	b.close(traf)
	return dataOffset
}
