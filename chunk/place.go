package chunk

// Placer returns memory for the body of a message whose length in bytes is given. The memory may be shorter: it then receives the beginning
// of the body. nil means that the Reader uses its own. The memory must not be used for anything else until the Reader has returned the
// message and has been called again, or until [Reader.ReleaseBuffer].
type Placer func(typ uint8, streamID uint32, length int) []byte

// SetPlacer sets the Placer, which the Reader calls before a Vectored source is read for the rest of a long message. nil means none.
func (r *Reader) SetPlacer(p Placer) { r.placer = p }

// place is memory from the Placer. It holds the beginning of a message's body.
type place struct {
	stream *stream // the stream with the unfinished message; nil if there is none
	bytes  []byte  // the bytes that have arrived; the capacity is the size of the memory
}

// ask asks the Placer for memory for an unfinished message, and moves the bytes of the body that have arrived there. A place that has little
// room after them is not used. A message that was withdrawn does not return, since a peer could otherwise have a long message copied to and
// fro by sending short ones.
func (r *Reader) ask(s *stream) {
	if r.placer == nil || r.place.stream != nil || s.withdrawn {
		return
	}
	memory := r.placer(s.typ, s.streamID, int(s.length))
	memory = memory[:min(len(memory), int(s.length))]
	if len(memory) < s.have()+scatterChunk {
		return
	}
	r.place = place{stream: s, bytes: memory[:0:len(memory)]}
	if s.body != nil {
		r.place.bytes = append(r.place.bytes, s.body.bytes...)
		s.body.bytes = s.body.bytes[:0]
	}
}

// filling returns the memory to which the next bytes of an unfinished message are appended: the Placer's until it is full, and then the
// message's own. It returns nil if the message has none yet.
func (r *Reader) filling(s *stream) *[]byte {
	switch {
	case r.place.stream == s && len(r.place.bytes) < cap(r.place.bytes):
		return &r.place.bytes
	case s.body != nil:
		return &s.body.bytes
	}
	return nil
}

// placed returns the part of an unfinished body that is in memory from the Placer.
func (r *Reader) placed(s *stream) []byte {
	if r.place.stream != s {
		return nil
	}
	return r.place.bytes
}

// withdraw moves the beginning of an unfinished message from the Placer's memory to the Reader's own.
func (r *Reader) withdraw() {
	s, head := r.place.stream, r.place.bytes
	r.place = place{}
	if s == nil {
		return
	}
	if s.withdrawn = true; !r.makeRoom(s, len(head)) {
		return
	}
	n := s.have()
	s.body.bytes = s.body.bytes[:len(head)+n]
	copy(s.body.bytes[len(head):], s.body.bytes[:n])
	copy(s.body.bytes, head)
}
