package download

import (
	"math/bits"
	"slices"
)

const (
	// minGap is how long nothing has to come, ms, for something to be missing: publishers stumble now and then.
	minGap = 250
	// maxGaps is how many gaps of a track are remembered.
	maxGaps = 16
)

// rhythm is how the frames of a track follow each other, from which it is told whether some are missing.
type rhythm struct {
	steps [33]int // how many there are of each length: the number of bits of the time from a frame to the next, ms
	total int     // of steps
	long  []step  // the longest, from minGap on, in the order of the file
}

// step is a step that may be too long.
type step struct {
	from, to uint32 // ms
	offset   int64  // of the frame behind it
}

func (s step) length() uint32 { return s.to - s.from }

// add notes that a frame at to, which stands at offset, follows one at from.
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

// few is how long a few frames take, ms: four to eight times the usual step, which is the median.
func (r *rhythm) few() uint32 {
	n := 0
	for bit, steps := range r.steps {
		if n += steps; 2*n >= r.total {
			return uint32(max(minGap, min(uint64(4)<<bit, 1<<31-1)))
		}
	}
	return minGap
}

// regular reports whether a long step means that something is missing. It does not where they are many, as in recordings of
// screens, nor where there are none to compare it with, as after a single picture.
func (r *rhythm) regular() bool {
	const share = 8 // one step in so many
	long, few := 0, r.few()
	for bit := bits.Len32(few-1) + 1; bit < len(r.steps); bit++ {
		long += r.steps[bit]
	}
	return r.total > 0 && long*share <= r.total
}

// gaps are the steps that are too long.
func (r *rhythm) gaps() []step {
	few := r.few()
	if !r.regular() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.long), func(s step) bool { return s.length() <= few })
}

// cut forgets the gaps behind offset. The steps stay: what is cut off usually comes again.
func (r *rhythm) cut(offset int64) {
	r.long = slices.DeleteFunc(r.long, func(s step) bool { return s.offset >= offset })
}
