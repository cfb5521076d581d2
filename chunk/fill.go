package chunk

import "io"

const (
	// maxRead is the maximum number of bytes that one read asks for beyond the end of a message, unless the sender fills such reads. With
	// 4 KiB, raw reading would cost twice as much.
	maxRead = 64 << 10
	// maxFastRead replaces maxRead while a sender fills the reads of a Vectored source. Fewer messages then lie across the end of a read. The
	// beginning of one that does waits in the buffer, which is therefore kept while there is nothing to read. With smaller reads, it is moved
	// to memory of its own, and a Vectored source with nothing to read holds no buffer.
	maxFastRead = 256 << 10
	// minRead is the minimum number of bytes that one read asks for, if the source needs a buffer while it is idle.
	minRead = 4 << 10
)

// Fill reads from the source once. Call it only after NextBuffered has returned false. The read buffer then contains at most a part of a
// header, or the beginning of the awaited message.
func (r *Reader) Fill() error {
	if err := r.srcErr; err != nil {
		r.srcErr = nil
		return r.sourceError(err)
	}
	for range 100 {
		n, err := 0, error(nil)
		if r.vectored == nil {
			r.provide(r.size)
			n, err = r.src.Read(r.buf[r.end:])
			r.adapt(n, len(r.buf)-r.end)
			r.end += n
		} else if n, err = r.vectored.ReadVector((*vector)(r)); n > 0 {
			if k := &r.scatter; k.slots == 0 { // otherwise the length of a message has determined how much was asked for
				r.adapt(n, len(k.vector[0]))
			}
			r.settle(n)
			r.scatter.end()
		}
		if n > 0 {
			r.srcErr = err
			return nil
		}
		if err != nil {
			return r.sourceError(err)
		}
	}
	return io.ErrNoProgress
}

// readSizes returns the limits of size, and by how much it grows at once.
func (r *Reader) readSizes() (least, most, factor int) {
	if r.vectored != nil {
		return maxRead, maxFastRead, 2
	}
	return minRead, maxRead, 4
}

// adapt chooses the size of the next read, after one that has asked for so many bytes and got n.
func (r *Reader) adapt(n, asked int) {
	least, most, factor := r.readSizes()
	switch {
	case n == asked: // there may be more to read
		r.size = min(factor*r.size, most)
	case n < r.size/4:
		r.size = max(r.size/4, least)
	}
}

// provide makes buf a buffer of at least size bytes, and moves the unparsed bytes to its front. They are less than half of size. If they
// are the beginning of an awaited message, they stay where they are as long as a quarter of size is free after them.
func (r *Reader) provide(size int) {
	rest := r.buf[r.pos:r.end]
	if r.awaited != nil && len(r.buf)-r.end >= size/4 {
		return
	}
	old := r.in
	if old == nil || len(r.buf) < size || len(r.buf) > 2*size {
		r.in = buffers.get(size, 2*size)
		r.buf = r.in.bytes[:cap(r.in.bytes)]
	}
	r.pos, r.end = 0, copy(r.buf, rest)
	if old != r.in {
		release(old)
	}
}

// Buffered returns the number of bytes that have been read and not yet parsed.
func (r *Reader) Buffered() int { return r.end - r.pos }

// ReleaseBuffer releases the memory from the Placer, and the read buffer unless that holds more unparsed bytes than a part of a header. Call it
// when the connection is about to become idle, or that memory is about to be used for something else. The body of the last Message becomes
// invalid.
func (r *Reader) ReleaseBuffer() {
	r.withdraw()
	r.freeBuffer()
}

func (r *Reader) freeBuffer() {
	r.takeBack()
	if rest := r.buf[r.pos:r.end]; r.in != nil && len(rest) <= len(r.stub) {
		n := copy(r.stub[:], rest)
		release(r.in)
		r.in, r.buf, r.pos, r.end = nil, r.stub[:n], 0, n
	}
}
