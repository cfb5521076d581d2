package flv

import "io"

// Writer writes an FLV file to an io.Writer.
type Writer struct {
	w   io.Writer
	buf []byte // reused; grows to the largest tag
	err error
}

// NewWriter returns a Writer that writes to w. Every call of WriteHeader or WriteTag is one call of w.Write, so a reader of a growing file
// usually sees whole tags. Wrap w in a bufio.Writer if the cost of system calls matters more.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// WriteHeader writes the file header. Call it first, except when appending to a file.
func (w *Writer) WriteHeader(h FileHeader) error {
	return w.write(AppendFileHeader(w.buf[:0], h))
}

// WriteTag writes a tag and its previous tag size. It keeps nothing of t.
//
// For a body longer than [MaxBodySize] it writes nothing and returns an [*Error]. An error of the io.Writer is final, since the file may
// then end anywhere; every later call returns it.
func (w *Writer) WriteTag(t Tag) error {
	if len(t.Body) > MaxBodySize {
		return &Error{Detail: "body is too long for a tag", Value: len(t.Body)}
	}
	return w.write(AppendTag(w.buf[:0], t))
}

func (w *Writer) write(b []byte) error {
	w.buf = b
	if w.err != nil {
		return w.err
	}
	n, err := w.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	w.err = err
	return err
}
