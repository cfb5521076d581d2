package media

import "io"

const maxEmptyReads = 100 // as in package bufio

// window holds bytes that were read but not consumed yet. Its buffer is reused, and grows up to max bytes.
type window struct {
	r     io.Reader
	max   int
	buf   []byte
	begin int
	err   error // error of r, to be returned after the bytes in buf
}

// bytes returns the unconsumed bytes. They are valid until fill is called.
func (w *window) bytes() []byte { return w.buf[w.begin:] }

func (w *window) drop(n int) { w.begin += n }

// full reports whether fill has no room for more bytes.
func (w *window) full() bool { return len(w.bytes()) == w.max }

// fill reads from r until there are more bytes or w.err is set. The window must not be full.
func (w *window) fill() {
	const smallest = 16 << 10
	if w.begin > 0 {
		w.buf, w.begin = append(w.buf[:0], w.bytes()...), 0
	}
	if len(w.buf) == cap(w.buf) {
		w.buf = append(make([]byte, 0, min(max(2*cap(w.buf), smallest), w.max)), w.buf...)
	}
	for range maxEmptyReads {
		n, err := w.r.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf, w.err = w.buf[:len(w.buf)+n], err
		if n > 0 || err != nil {
			return
		}
	}
	w.err = io.ErrNoProgress
}
