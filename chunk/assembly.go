package chunk

import (
	"slices"
	"sync"
)

// buffer holds a body under assembly. Buffers are shared by all Readers, so that an idle connection holds none.
type buffer struct{ bytes []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// keepBuffer is the largest buffer worth keeping, in bytes.
const keepBuffer = 1 << 20

func release(b *buffer) {
	if b != nil && cap(b.bytes) <= keepBuffer {
		b.bytes = b.bytes[:0]
		buffers.Put(b)
	}
}

// growTo returns b with room for n bytes in all, at least doubling so that appending stays linear.
func growTo(b []byte, n int) []byte {
	if n <= cap(b) {
		return b
	}
	grown := make([]byte, len(b), max(n, 2*cap(b), 512))
	copy(grown, b)
	return grown
}

// begin starts or goes on with the assembly of a message whose next chunk's payload lies at pos.
func (r *Reader) begin(s *stream, more bool) {
	if !more {
		if len(r.partial) >= maxPartials {
			r.fail("unfinished messages at once", maxPartials)
			return
		}
		s.partial = true
		s.body = buffers.Get().(*buffer)
		r.partial = append(r.partial, s)
		if r.held += cap(s.body.bytes); r.held > maxPartialMessages*r.maxSize {
			r.clip()
		}
	}
	r.current = s
	r.left = min(r.chunkSize, int(s.length)-len(s.body.bytes))
}

// makeRoom makes room for n bytes more of a message under way. Its body doubles, so that appending stays linear, but not beyond the
// message's length; where that is too much in all, first the others give back what they don't use, and then it grows by an
// eighth. It reports false when even that is not allowed.
func (r *Reader) makeRoom(s *stream, n int) bool {
	b, need := s.body.bytes, len(s.body.bytes)+n
	if need <= cap(b) {
		return true
	}
	size := min(max(need, 2*cap(b), minBody), int(s.length))
	if limit := maxPartialMessages * r.maxSize; r.held-cap(b)+size > limit {
		r.clip()
		b = s.body.bytes
		size = min(need+need/8+minBody, int(s.length))
		if r.held-cap(b)+size > limit {
			r.fail("bytes of unfinished messages", limit)
			return false
		}
	}
	r.held += size - cap(b)
	s.body.bytes = append(make([]byte, 0, size), b...)
	return true
}

// clip takes from the messages under way the memory that they don't need.
func (r *Reader) clip() {
	for _, s := range r.partial {
		b := s.body.bytes
		if cap(b) <= min(2*len(b)+minBody, int(s.length)) {
			continue
		}
		clipped := &buffer{bytes: append(make([]byte, 0, len(b)), b...)}
		r.held += len(b) - cap(b)
		release(s.body)
		s.body = clipped
	}
}

func (r *Reader) drop(s *stream) {
	body := s.body
	r.forget(s) // first: once it is released, body may be another Reader's
	release(body)
}

func (r *Reader) forget(s *stream) {
	r.held -= cap(s.body.bytes)
	i, last := slices.Index(r.partial, s), len(r.partial)-1
	r.partial[i], r.partial[last] = r.partial[last], nil
	r.partial = r.partial[:last]
	s.partial, s.body = false, nil
}

// hand returns a buffer that lives until the next call.
func (r *Reader) hand() *buffer {
	r.lent = buffers.Get().(*buffer)
	return r.lent
}

func (r *Reader) takeBack() {
	release(r.lent)
	r.lent = nil
}
