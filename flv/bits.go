package flv

// bitReader reads big-endian bit fields. Beyond the end all bits are zero and short is set, so a parser can check for errors once per group
// of fields.
type bitReader struct {
	b     []byte
	pos   int64 // in bits
	short bool
}

func (r *bitReader) bit() uint32 {
	i := r.pos >> 3
	if i >= int64(len(r.b)) {
		r.short = true
		return 0
	}
	v := r.b[i] >> (7 - r.pos&7) & 1
	r.pos++
	return uint32(v)
}

// bits reads an unsigned number of n bits, at most 32.
func (r *bitReader) bits(n int) (v uint32) {
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

func (r *bitReader) skip(n int64) {
	if n > r.left() {
		r.short = true
		n = r.left()
	}
	r.pos += n
}

func (r *bitReader) flag() bool { return r.bit() == 1 }

func (r *bitReader) left() int64 { return int64(len(r.b))*8 - r.pos }

// ue reads an unsigned Exp-Golomb number (H.264 9.1): n zeros, a one, n bits. A number beyond 32 bits sets short.
func (r *bitReader) ue() uint32 {
	zeros := 0
	for !r.flag() {
		if zeros++; r.short || zeros > 31 {
			r.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// se reads a signed Exp-Golomb number (H.264 9.1.1): 1, -1, 2, -2, ...
func (r *bitReader) se() int32 {
	v := r.ue()
	if v&1 == 1 {
		return int32(v/2 + 1)
	}
	return -int32(v / 2)
}
