package download

import (
	"math/bits"
	"slices"
)

const (
	// minGap is the shortest gap, in ms. Publishers often pause for less.
	minGap = 250
	// maxGaps is the number of gaps recorded for a track.
	maxGaps = 16
)

// rhythm is the distribution of the steps between the frames of a track, which shows whether frames are missing.
type rhythm struct {
	steps [33]int // number of steps by the bit length of their duration in ms
	total int     // number of steps
	long  []step  // the longest steps that are at least minGap long, in the order of the file
}

// step is a step between two frames that may be a gap.
type step struct {
	from, to uint32 // ms
	offset   int64  // offset of the frame after the step
}

func (s step) length() uint32 { return s.to - s.from }

// add records that a frame with time to, at offset, follows one with time from.
func (r *rhythm) add(from, to uint32, offset int64) {
	s := step{from, to, offset}
	if int32(s.length()) <= 0 {
		return
	}
	r.steps[bits.Len32(s.length())]++
	r.total++
	if s.length() < minGap {
		return
	}
	r.long = append(r.long, s)
	if len(r.long) > maxGaps {
		shortest := 0
		for i := range r.long {
			if r.long[i].length() < r.long[shortest].length() {
				shortest = i
			}
		}
		r.long = slices.Delete(r.long, shortest, shortest+1)
	}
}

// fewFrames returns the duration of four to eight frames in ms, from the median step.
func (r *rhythm) fewFrames() uint32 {
	n := 0
	for bit, steps := range r.steps {
		if n += steps; 2*n >= r.total {
			return uint32(max(minGap, min(uint64(4)<<bit, 1<<31-1)))
		}
	}
	return minGap
}

// regular reports whether long steps are gaps. Frequent long steps are normal, as in screen recordings. Without short steps, as in a track
// with one picture, long steps can't be recognized.
func (r *rhythm) regular() bool {
	const share = 8 // long steps are frequent if more than one step in 8 is long
	long, few := 0, r.fewFrames()
	for bit := bits.Len32(few-1) + 1; bit < len(r.steps); bit++ {
		long += r.steps[bit]
	}
	return r.total > 0 && long*share <= r.total
}

func (r *rhythm) gaps() []step {
	few := r.fewFrames()
	if !r.regular() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.long), func(s step) bool { return s.length() <= few })
}

// cut removes the gaps after offset. It does not reduce the counts of steps, since the server usually sends the removed tags again.
func (r *rhythm) cut(offset int64) {
	r.long = slices.DeleteFunc(r.long, func(s step) bool { return s.offset >= offset })
}
