package chunk

import "io"

// Fill reads from the source once. NextBuffered has returned false before: what is unparsed is at most a part of a header.
func (r *Reader) Fill() error {
	if err := r.srcErr; err != nil {
		r.srcErr = nil
		return r.sourceError(err)
	}
	r.end = copy(r.buf, r.buf[r.pos:r.end])
	r.pos = 0
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		if n > 0 {
			r.end += n
			r.srcErr = err
			return nil
		}
		if err != nil {
			return r.sourceError(err)
		}
	}
	return io.ErrNoProgress
}
