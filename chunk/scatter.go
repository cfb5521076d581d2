package chunk

import (
	"bytes"
	"sync"
)

// Vectored is a source that can fill several slices with one read, and that needs no buffer while there is nothing to read. It
// reads the rest of a long message directly to its destination.
type Vectored interface {
	// ReadVector waits until there is something to read, and then reads once.
	ReadVector(v Vector) (int, error)
}

// Vector is the memory for one read.
type Vector interface {
	Lend() [][]byte // returns the slices to fill, in order; none is empty
	Reclaim()       // takes the slices back if there was nothing to read; Lend is called again when there is
}

const (
	// scatterChunk is the smallest chunk size for which payloads are read directly to their destination. With smaller chunks, preparing the
	// slices costs more than copying.
	scatterChunk = 2 << 10
	// maxScattered is the maximum number of chunks in one such read.
	maxScattered = 64
	// longRest is the smallest rest of a message, in bytes, that is read directly to its destination. The read asks for few of the bytes
	// after it, since they may begin another long message, which would have to be copied. For shorter rests, the additional reads would
	// cost more than copying.
	longRest = maxRead / 2
	// scatterPause is the number of reads without scattering after the peer has sent unexpected chunks.
	scatterPause = 64
)

// scatter is a read of bytes directly to their destinations. Its slots are the rest of the current chunk, and then the header and the
// payload of each chunk that is expected to follow in the message. Bytes after the slots go to buf.
type scatter struct {
	vector [][]byte    // slots, and buf last
	slots  int         // number of slots; 0 if everything goes to buf
	single [1][]byte   // the memory of vector if there are no slots
	memory *slotMemory // the memory of vector and of the headers if there are slots
	pause  int
}

// slotMemory is the memory of a scatter with slots.
type slotMemory struct {
	vector  [2*maxScattered + 1][]byte
	headers [maxScattered * len(stream{}.basicBytes)]byte
}

// slotMemories holds unused memory. All Readers share it, since a Reader needs the memory only while it reads.
var slotMemories = sync.Pool{New: func() any { return new(slotMemory) }}

// end gives the slots back.
func (k *scatter) end() {
	clear(k.vector)
	if k.memory != nil {
		slotMemories.Put(k.memory)
	}
	k.vector, k.slots, k.memory = nil, 0, nil
}

// vector is the Reader in its role as a Vector.
type vector Reader

// Lend implements Vector.
func (v *vector) Lend() [][]byte {
	r := (*Reader)(v)
	r.provide(maxRead)
	k := &r.scatter
	k.vector = k.single[:0]
	free := r.buf[r.end:]
	if k.pause > 0 {
		k.pause--
	} else if memory := r.longRest(); memory != nil {
		r.addSlots(r.current, memory)
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
	r.ReleaseBuffer()
}

// longRest returns the memory for the rest of the message whose chunk is being read, or nil if the rest should go to buf.
func (r *Reader) longRest() []byte {
	s := r.current
	if s == nil || s.extended || r.left == 0 || r.chunkSize < scatterChunk || int(s.length)-s.have() < longRest || !r.makeRoom(s, 1) {
		return nil
	}
	rest := s.body.bytes[s.have():min(s.room(), int(s.length))]
	if len(rest) < longRest {
		return nil
	}
	return rest
}

// addSlots adds the slots for the rest of a message, which goes to memory. buf must be empty.
func (r *Reader) addSlots(s *stream, memory []byte) {
	k := &r.scatter
	k.memory = slotMemories.Get().(*slotMemory)
	k.vector = k.memory.vector[:0]
	left, headers := r.left, k.memory.headers[:]
	for range maxScattered {
		n := min(left, len(memory))
		k.vector = append(k.vector, memory[:n])
		if memory = memory[n:]; len(memory) == 0 {
			return
		}
		k.vector = append(k.vector, headers[:s.basicSize])
		headers = headers[s.basicSize:]
		left = r.chunkSize // the loop cuts it to the rest of the memory
	}
}

// settle processes n bytes that were read into the vector.
func (r *Reader) settle(n int) {
	s, k := r.current, &r.scatter
	defer k.end()
	for i, slot := range k.vector[:k.slots] {
		if i%2 == 1 { // a header
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
		s.body.bytes = s.body.bytes[:len(s.body.bytes)+take]
		r.left -= take
		if n -= take; n == 0 {
			return
		}
	}
	r.end += n
}

// collect moves n bytes that were read into slots, and then into buf, together at the front of buf.
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
