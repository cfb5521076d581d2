package transport

import (
	"io"
	"sync"
)

// fifo is a queue of received bytes. It keeps the bytes in the blocks in which they were received.
type fifo struct {
	blocks []*block // oldest first
	size   int      // bytes
}

// block is memory for received bytes. It belongs first to the code that receives the bytes, then to a fifo, and then to a pool that all
// connections share.
type block struct {
	memory   [64 << 10]byte
	from, to int // range of the bytes that have not been read
}

var blocks = sync.Pool{New: func() any { return new(block) }}

// fill reads from r. If sized is true, the length of r was announced, so all of its bytes are on their way. fill then reads at least
// headerBuffer bytes. Otherwise the bytes that net/http has read together with a header would be a piece of their own, and wake the
// application.
func (b *block) fill(r io.Reader, sized bool) (_ int, err error) {
	b.from, b.to = 0, 0
	for b.to == 0 || sized && b.to < headerBuffer {
		var n int
		n, err = r.Read(b.memory[b.to:])
		if b.to += n; err != nil {
			break
		}
	}
	return b.to, err
}

func (f *fifo) len() int { return f.size }

func (f *fifo) read(p []byte) (n int) {
	for n < len(p) && f.size > 0 {
		b := f.blocks[0]
		m := copy(p[n:], b.memory[b.from:b.to])
		n, b.from, f.size = n+m, b.from+m, f.size-m
		if b.from == b.to {
			blocks.Put(b)
			f.blocks[0] = nil
			if f.blocks = f.blocks[1:]; len(f.blocks) == 0 {
				f.blocks = nil
			}
		}
	}
	return n
}

// add adds the bytes in b. If they fit into the last block, add copies them there; otherwise it adds b itself. The blocks are therefore
// more than half full on average, even if each read has returned only a few bytes. b then belongs to the fifo.
func (f *fifo) add(b *block) {
	n := b.to - b.from
	f.size += n
	if len(f.blocks) > 0 {
		if last := f.blocks[len(f.blocks)-1]; n <= len(last.memory)-last.to {
			last.to += copy(last.memory[last.to:], b.memory[b.from:b.to])
			blocks.Put(b)
			return
		}
	}
	f.blocks = append(f.blocks, b)
}

// drop returns all blocks to the pool.
func (f *fifo) drop() {
	for _, b := range f.blocks {
		blocks.Put(b)
	}
	*f = fifo{}
}
