package chunk

import "bytes"

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
	// scatterPause is the number of reads without scattering after the peer has sent unexpected chunks.
	scatterPause = 64
)

// scatter is a read of bytes directly to their destinations. Its slots are the rest of the current chunk, and then the header and the
// payload of each chunk that is expected to follow in the message. Bytes after the slots go to buf.
type scatter struct {
	vector  [][]byte // slots, and buf last
	headers []byte   // memory of those slots
	slots   int      // number of slots; 0 if everything goes to buf
	pause   int
}

// vector is the Reader in its role as a Vector.
type vector Reader

// Lend implements Vector.
func (v *vector) Lend() [][]byte {
	r := (*Reader)(v)
	r.provide(maxRead)
	k := &r.scatter
	k.vector = k.vector[:0]
	if k.pause > 0 {
		k.pause--
	} else if r.current != nil && r.chunkSize >= scatterChunk {
		r.addSlots(r.current)
	}
	k.slots = len(k.vector)
	k.vector = append(k.vector, r.buf[r.end:])
	return k.vector
}

// Reclaim implements Vector.
func (v *vector) Reclaim() {
	r := (*Reader)(v)
	clear(r.scatter.vector)
	r.ReleaseBuffer()
}

// addSlots adds the slots for the message whose chunk is being read, as far as its memory reaches. buf must be empty.
func (r *Reader) addSlots(s *stream) {
	if s.extended || r.left == 0 || !r.makeRoom(s, 1) {
		return
	}
	k := &r.scatter
	if k.headers == nil {
		k.headers = make([]byte, maxScattered*len(s.basicBytes))
		k.vector = make([][]byte, 0, 2*maxScattered+1)
	}
	at, left, headers := len(s.body.bytes), r.left, k.headers
	memory := s.body.bytes[:min(cap(s.body.bytes), int(s.length))]
	for range maxScattered {
		take := min(left, len(memory)-at)
		k.vector = append(k.vector, memory[at:at+take])
		if at += take; at == len(memory) {
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
	defer clear(k.vector)
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
