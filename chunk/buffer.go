package chunk

import (
	"math/bits"
	"sync"
)

// Headroom and Tailroom are the sizes, in bytes, of the unused memory before and after a detached body. The caller can use this memory to
// extend the body, for example to an FLV tag.
const (
	Headroom = 16
	Tailroom = 4
)

// buffer holds a body that is being assembled, or bytes that have been read but not parsed yet.
type buffer struct {
	bytes []byte
	whole []byte // the memory including headroom and tailroom; nil if bytes is all of it
}

// keepBuffer is the largest buffer worth keeping, in bytes.
const keepBuffer = 1 << 20

// pools holds unused buffers. The index is the logarithm to base 2 of a buffer's size, rounded down. All Readers share the pools, so an
// idle connection holds no buffer.
type pools [21]sync.Pool

var buffers pools

// Put returns a buffer to the pools.
func (p *pools) Put(b *buffer) {
	size := cap(b.bytes)
	if size == 0 || size > keepBuffer {
		return
	}
	b.bytes = b.bytes[:0]
	p[bits.Len(uint(size))-1].Put(b)
}

// get returns an empty buffer whose capacity in bytes is at least n and at most most. The caller ensures n <= most.
func (p *pools) get(n, most int) *buffer {
	if n <= keepBuffer {
		class := bits.Len(uint(n - 1)) // every buffer of this class is large enough
		if b, _ := p[class].Get().(*buffer); b != nil {
			if cap(b.bytes) <= most {
				return b
			}
			p[class].Put(b)
		}
		n = min(1<<class, most) // rounded up, so that messages of similar length can share buffers
	}
	whole := make([]byte, Headroom+n+Tailroom)
	return &buffer{bytes: whole[Headroom : Headroom : Headroom+n], whole: whole}
}

func release(b *buffer) {
	if b != nil {
		buffers.Put(b)
	}
}

// Detached is the memory of a body that has been detached from its Message. It belongs to the caller until Release is called.
type Detached struct {
	buffer *buffer
	size   int
}

// Bytes returns Headroom bytes, the body, and Tailroom bytes, as one slice.
func (d *Detached) Bytes() []byte { return d.buffer.whole[:Headroom+d.size+Tailroom] }

// Release returns the memory to a pool for reuse. The zero Detached may be released, too.
func (d *Detached) Release() {
	release(d.buffer)
	*d = Detached{}
}
