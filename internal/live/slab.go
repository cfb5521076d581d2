package live

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// The log drops each message after a few seconds. If the memory of messages were left to the garbage collector, it would stay unused for as
// long as the logs use it, and the runtime would clear the memory of each new message. So a publisher's messages are in slabs. A slab is
// reused when its messages have left the log and can no longer be read.

// These are the sizes of slabs in bytes. Up to commonSlab they are powers of 2, then multiples of slabStep.
const (
	smallestSlab = 4 << 10
	commonSlab   = 128 << 10
	slabStep     = 64 << 10
	largestSlab  = 1 << 20 // a longer message has its own memory, which is not reused
)

// slab is memory for several messages.
type slab struct {
	bytes []byte
	refs  atomic.Int64 // messages in the log, and the memory that is filling the slab; pinned messages are counted forever
}

// slabs contains slabs to reuse, by slabClass.
var slabs [20]sync.Pool

// slabClass returns the index in slabs and the size of slabs for n bytes.
func slabClass(n int) (class, size int) {
	if n > commonSlab {
		steps := (n + slabStep - 1) / slabStep
		return steps + 3, steps * slabStep // the first class is 6
	}
	class = max(0, bits.Len(uint(n-1))-bits.Len(smallestSlab-1))
	return class, smallestSlab << class
}

func newSlab(n int) *slab {
	if n > largestSlab {
		return &slab{bytes: make([]byte, 0, n)}
	}
	class, size := slabClass(n)
	if s, _ := slabs[class].Get().(*slab); s != nil {
		return s
	}
	return &slab{bytes: make([]byte, 0, size)}
}

// done ends one use. The last call makes the slab available to newSlab.
func (s *slab) done() {
	if s == nil || s.refs.Add(-1) > 0 || cap(s.bytes) > largestSlab {
		return
	}
	class, _ := slabClass(cap(s.bytes))
	s.bytes = s.bytes[:0]
	slabs[class].Put(s)
}

// memory provides the memory of a publisher's messages. Less than half of it stays unused, since the unused end of a slab is smaller than the
// message after it.
type memory struct {
	slab  *slab // the slab that is being filled; may be nil
	held  int   // memory of the log in bytes; determines the size of the next slab
	taken int   // bytes taken since the last key frame
}

// take returns n bytes of a slab, with length 0.
func (m *memory) take(n int) ([]byte, *slab) {
	if m.slab != nil && m.rest() < n {
		m.seal()
	}
	if m.slab == nil {
		m.slab = newSlab(max(n, min(m.held, commonSlab)))
		m.slab.refs.Add(1)
	}
	s := m.slab
	s.refs.Add(1)
	at := len(s.bytes)
	s.bytes = s.bytes[:at+n]
	m.taken += n
	return s.bytes[at : at : at+n], s
}

// rest returns the number of unused bytes at the end of the slab.
func (m *memory) rest() int { return cap(m.slab.bytes) - len(m.slab.bytes) }

// seal makes the next message use a new slab.
func (m *memory) seal() {
	m.slab.done()
	m.slab = nil
}

// keyFrame is called before a key frame, since most messages leave the log when a key frame comes. The key frame begins a new slab, unless
// too much memory would stay unused while the log does keep the messages.
func (m *memory) keyFrame() {
	if m.slab != nil && m.rest() <= m.taken/8 {
		m.seal()
	}
	m.taken = 0
}

var unusedMessages = sync.Pool{New: func() any { return new(Message) }}

// pin prevents the memory of m from being reused, since m may be read after it has left the log. The caller holds stream.mu.
func (m *Message) pin() {
	if !m.pinned && m.slab != nil {
		m.slab.refs.Add(1)
	}
	m.pinned = true
}

// recycle is called when m has left the log. If m is not pinned, its memory is reused.
func (m *Message) recycle() {
	m.slab.done()
	if !m.pinned {
		*m = Message{}
		unusedMessages.Put(m)
	}
}
