package chunk

import (
	"bytes"
	"slices"
)

// begin starts the assembly of a message. The payload of the message's first chunk is at pos.
func (r *Reader) begin(s *stream) {
	if len(r.partial) >= maxPartials {
		r.fail("unfinished messages at once", maxPartials)
		return
	}
	s.partial, s.withdrawn = true, false
	r.partial = append(r.partial, s)
	r.resume(s)
}

// resume continues an unfinished message. The payload of the message's next chunk is at pos.
func (r *Reader) resume(s *stream) {
	r.current = s
	r.left = min(r.chunkSize, r.missing(s))
}

// missing returns how many bytes of the unfinished message have not arrived yet.
func (r *Reader) missing(s *stream) int { return int(s.length) - len(r.placed(s)) - s.have() }

// have returns how many bytes of the unfinished message are in its own memory.
func (s *stream) have() int {
	if s.body == nil {
		return 0
	}
	return len(s.body.bytes)
}

// room returns how many bytes of the unfinished message its memory can hold.
func (s *stream) room() int {
	if s.body == nil {
		return 0
	}
	return cap(s.body.bytes)
}

// gather appends payload from the read buffer to the body of the current message. It continues with the following chunks as long as they
// belong to that message. It reports whether the message is complete.
func (r *Reader) gather() bool {
	s := r.current
	for {
		if take := min(r.left, r.end-r.pos); take > 0 {
			if !r.append(s, r.buf[r.pos:r.pos+take]) {
				return false
			}
			r.pos += take
			r.left -= take
		}
		if r.left > 0 {
			return false
		}
		if r.missing(s) == 0 {
			r.current = nil
			return true
		}
		if !r.continues(s, r.buf[r.pos:r.end]) {
			r.current = nil
			return false
		}
		r.pos += s.basicSize
		r.resume(s)
		r.gatherChunks(s)
	}
}

// append appends b to an unfinished message. It returns false if there is no memory for b.
func (r *Reader) append(s *stream, b []byte) bool {
	if r.place.stream == s {
		n := min(len(b), cap(r.place.bytes)-len(r.place.bytes))
		r.place.bytes = append(r.place.bytes, b[:n]...)
		b = b[n:]
	}
	if len(b) > 0 {
		if !r.makeRoom(s, len(b)) {
			return false
		}
		s.body.bytes = append(s.body.bytes, b...)
	}
	return true
}

// gatherChunks appends the payload of the whole chunks in the read buffer, as far as there is room for them.
func (r *Reader) gatherChunks(s *stream) {
	to := r.filling(s)
	if to == nil {
		return
	}
	in, body, step := r.buf[r.pos:r.end], *to, r.chunkSize+s.basicSize
	most := min(cap(body), len(body)+r.missing(s)-1) // gather handles the last chunk
	for len(in) > step && len(body)+r.chunkSize <= most && r.continues(s, in[r.chunkSize:]) {
		body = append(body, in[:r.chunkSize]...)
		in = in[step:]
	}
	r.pos, *to = r.end-len(in), body
	r.left = min(r.chunkSize, r.missing(s))
}

// continues reports whether b begins with the header of the message's next chunk, without an extended timestamp.
func (r *Reader) continues(s *stream, b []byte) bool {
	return len(b) > s.basicSize && b[0] == s.basicBytes[0] && !s.extended &&
		(s.basicSize == 1 || bytes.Equal(b[:s.basicSize], s.basicBytes[:s.basicSize]))
}

// makeRoom makes room for n more bytes of an unfinished message. The body doubles, so that appending takes linear time, but never exceeds
// the message's length. It gets more at once as far as the peer has earned that by whole messages; a peer that only begins messages can't
// make the Reader allocate much more than it has sent. If the new size would exceed the limit on memory, makeRoom first takes unused memory
// from the other messages, and lets the body grow by only an eighth. It returns false if the size would still exceed the limit.
func (r *Reader) makeRoom(s *stream, n int) bool {
	need, length, limit := s.have()+n, int(s.length), maxPartialMessages*r.maxSize
	if need <= s.room() {
		return true
	}
	doubled := max(need, 2*s.room(), minBody)
	size := min(max(doubled, r.earned), length)
	if r.held-s.room()+size > limit {
		r.clip()
		size = min(need+need/8+minBody, length)
		if r.held-s.room()+size > limit {
			r.fail("bytes of unfinished messages", limit)
			return false
		}
	} else if size > doubled {
		r.earned -= size
	}
	r.move(s, buffers.get(size, limit-r.held+s.room()))
	return true
}

// move makes b the memory of an unfinished message.
func (r *Reader) move(s *stream, b *buffer) {
	r.held += cap(b.bytes) - s.room()
	old := s.body
	if old != nil {
		b.bytes = append(b.bytes, old.bytes...)
	}
	s.body = b
	release(old)
}

// clip takes unused memory from the unfinished messages.
func (r *Reader) clip() {
	for _, s := range r.partial {
		if need := s.have(); s.room() > min(2*need+minBody, int(s.length)) {
			r.move(s, &buffer{bytes: make([]byte, 0, need)})
		}
	}
}

func (r *Reader) drop(s *stream) {
	body := s.body
	r.forget(s) // before release, after which another Reader may use the body
	release(body)
}

func (r *Reader) forget(s *stream) {
	r.held -= s.room()
	i, last := slices.Index(r.partial, s), len(r.partial)-1
	r.partial[i], r.partial[last] = r.partial[last], nil
	r.partial = r.partial[:last]
	s.partial, s.body = false, nil
	if r.place.stream == s {
		r.place.stream = nil
	}
}

// hand returns a buffer with room for n bytes, which is valid until the Reader's next call.
func (r *Reader) hand(n int) *buffer {
	r.lent = buffers.get(n, max(n, keepBuffer))
	return r.lent
}

func (r *Reader) takeBack() {
	if r.lent != nil {
		release(r.lent)
		r.lent = nil
	}
}
