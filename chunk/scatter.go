package chunk

import (
	"bytes"
	"sync"
)

// Vectored is a source that can fill several slices with one read, and that needs no buffer while there is nothing to read. A Reader lets
// such a source read most of a long message directly to its destination.
type Vectored interface {
	// ReadVector waits until there is something to read, and then reads once.
	ReadVector(v Vector) (int, error)
}

// Vector is the memory for one read.
type Vector interface {
	Lend() [][]byte // returns the slices to fill, in order; none is empty
	Reclaim()       // takes the slices back if there was nothing to read; Lend is called again when there is something
}

const (
	// scatterChunk is the smallest chunk size for which payloads are read directly to their destination. Each pair of slices costs the
	// kernel as much time as it takes to copy about 4 KiB.
	scatterChunk = 8 << 10
	// maxScattered is the maximum number of chunks in one direct read.
	maxScattered = 64
	// longRest is the minimum number of missing bytes of a message for which they are read directly to their destination. Such a read asks
	// for few of the bytes after the message, since these may begin another long message, and would have to be copied. If fewer bytes are
	// missing, the additional reads would cost more than copying.
	longRest = maxRead / 2
	// scatterPause is the number of ordinary reads after the peer has sent unexpected chunks.
	scatterPause = 64
)

// scatter is a read of bytes directly to their destinations, the slots. The first slot is the unread payload of the current chunk. For each
// chunk that is expected to follow in the message, there are two slots: one for its header and one for its payload. A payload that begins in
// memory from the Placer and does not fit there has two slots. Bytes after the slots go to buf.
type scatter struct {
	vector [][]byte    // slots, and buf last
	slots  int         // number of slots; 0 if everything goes to buf
	single [1][]byte   // the memory of vector if there are no slots
	memory *slotMemory // the memory of vector and of the headers if there are slots
	pause  int
}

// slotMemory is the memory of a scatter with slots.
type slotMemory struct {
	vector  [2*maxScattered + 2][]byte
	headers [maxScattered * len(stream{}.basicBytes)]byte
}

// slotMemories holds unused slotMemory. All Readers share it, since a Reader needs it only while it reads.
var slotMemories = sync.Pool{New: func() any { return new(slotMemory) }}

// end returns the memory of the slots to the pool.
func (k *scatter) end() {
	clear(k.vector)
	if k.memory != nil {
		slotMemories.Put(k.memory)
	}
	k.vector, k.slots, k.memory = nil, 0, nil
}

// vector is a Reader in the role of a Vector.
type vector Reader

// Lend implements Vector.
func (v *vector) Lend() [][]byte {
	r := (*Reader)(v)
	r.provide(r.size)
	k := &r.scatter
	k.vector = k.single[:0]
	free := r.buf[r.end:]
	if k.pause > 0 {
		k.pause--
	} else if memory, more := r.longRest(); len(memory) > 0 {
		r.addSlots(r.current, memory, more)
		free = free[:minRead]
	}
	k.slots = len(k.vector)
	k.vector = append(k.vector, free)
	return k.vector
}

// Reclaim implements Vector.
func (v *vector) Reclaim() {
	r := (*Reader)(v)
	r.scatter.end()
	r.freeBuffer()
}

// scatters reports whether the bytes of a message should be read directly to their destination, if so many are missing.
func (r *Reader) scatters(missing int) bool {
	return r.chunkSize >= scatterChunk && missing >= longRest
}

// longRest returns the memory for the missing bytes of the message whose chunk is being read, in one or two pieces. The first is empty if
// these bytes should go to buf. If many bytes are missing, longRest asks the Placer in any case.
func (r *Reader) longRest() (first, second []byte) {
	s := r.current
	if s == nil || s.extended || r.left == 0 || r.missing(s) < longRest {
		return nil, nil
	}
	if r.ask(s); !r.scatters(r.missing(s)) {
		return nil, nil
	}
	missing := r.missing(s)
	if r.place.stream == s {
		b := r.place.bytes
		first = b[len(b):cap(b)]
	}
	if missing > len(first) {
		if !r.makeRoom(s, 1) {
			return nil, nil
		}
		second = s.body.bytes[s.have():min(s.room(), s.have()+missing-len(first))]
	}
	switch {
	case len(first)+len(second) < longRest:
		return nil, nil
	case len(first) == 0:
		return second, nil
	}
	return first, second
}

// addSlots adds the slots for the missing bytes of a message, which go to memory and then to more. buf must be empty.
func (r *Reader) addSlots(s *stream, memory, more []byte) {
	k := &r.scatter
	k.memory = slotMemories.Get().(*slotMemory)
	k.vector = k.memory.vector[:0]
	left, headers := r.left, k.memory.headers[:]
	for len(k.vector) < 2*maxScattered {
		n := min(left, len(memory))
		k.vector = append(k.vector, memory[:n])
		left -= n
		if memory = memory[n:]; len(memory) == 0 {
			if memory, more = more, nil; len(memory) == 0 {
				return
			}
		}
		if left == 0 {
			k.vector = append(k.vector, headers[:s.basicSize])
			headers = headers[s.basicSize:]
			left = r.chunkSize // the loop reduces it to the size of the remaining memory
		}
	}
}

// settle processes n bytes that were read into the vector.
func (r *Reader) settle(n int) {
	s, k := r.current, &r.scatter
	for i, slot := range k.vector[:k.slots] {
		if r.left == 0 { // a header
			if n < len(slot) || !bytes.Equal(slot, s.basicBytes[:s.basicSize]) {
				if n >= len(slot) {
					k.pause = scatterPause
				}
				r.collect(k.vector[i:k.slots], n)
				return
			}
			n -= len(slot)
			r.resume(s)
			continue
		}
		take := min(n, len(slot))
		to := r.filling(s)
		*to = (*to)[:len(*to)+take]
		r.left -= take
		if n -= take; n == 0 {
			return
		}
	}
	r.end += n
}

// collect moves n bytes that were read into slots and then into buf to the front of buf, one after the other.
func (r *Reader) collect(slots [][]byte, n int) {
	inSlots := 0
	for _, slot := range slots {
		inSlots += len(slot)
	}
	inSlots = min(inSlots, n)
	tail := r.buf[:n-inSlots]
	if n > len(r.buf) {
		old := r.in
		r.in = buffers.get(n, 2*n)
		r.buf = r.in.bytes[:cap(r.in.bytes)]
		defer release(old)
	}
	copy(r.buf[inSlots:n], tail)
	at := 0
	for _, slot := range slots {
		at += copy(r.buf[at:inSlots], slot)
	}
	r.pos, r.end = 0, n
}
