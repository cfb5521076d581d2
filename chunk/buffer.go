package chunk

import (
	"math/bits"
	"sync"
)

// Headroom and Tailroom are the bytes of memory before and after a body that was detached, for whoever makes something
// larger of it where it lies, such as an FLV tag.
const (
	Headroom = 16
	Tailroom = 4
)

// buffer holds a body under assembly, or what was read and not yet parsed.
type buffer struct {
	bytes []byte
	whole []byte // the memory with its headroom and tailroom; nil: there is no more than bytes
}

// keepBuffer is the largest buffer worth keeping, in bytes.
const keepBuffer = 1 << 20

// pools hold buffers by the logarithm of their size, rounded down. All Readers share them, so that an idle connection holds none.
type pools [21]sync.Pool

var buffers pools

// Put takes a buffer that nobody uses any more.
func (p *pools) Put(b *buffer) {
	size := cap(b.bytes)
	if size == 0 || size > keepBuffer {
		return
	}
	b.bytes = b.bytes[:0]
	p[bits.Len(uint(size))-1].Put(b)
}

// get returns an empty buffer with room for n bytes at least, and for most at most; most is not less than n.
func (p *pools) get(n, most int) *buffer {
	if n <= keepBuffer {
		class := bits.Len(uint(n - 1)) // all there are large enough
		if b, _ := p[class].Get().(*buffer); b != nil {
			if cap(b.bytes) <= most {
				return b
			}
			p[class].Put(b)
		}
		n = min(1<<class, most) // so that messages of about one size fit into each other's
	}
	whole := make([]byte, Headroom+n+Tailroom)
	return &buffer{bytes: whole[Headroom : Headroom : Headroom+n], whole: whole}
}

func release(b *buffer) {
	if b != nil {
		buffers.Put(b)
	}
}

// Detached is the memory of a body that its Message has parted with. It belongs to the caller until Release.
type Detached struct {
	buffer *buffer
	size   int
}

// Bytes is the body, with room for Headroom bytes before it and Tailroom bytes after it, which is part of the slice.
func (d *Detached) Bytes() []byte { return d.buffer.whole[:Headroom+d.size+Tailroom] }

// Release gives the memory back, for others to use. A Detached that holds nothing may be released, too.
func (d *Detached) Release() {
	release(d.buffer)
	*d = Detached{}
}
