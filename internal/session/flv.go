package session

import (
	"fmt"
	"io"

	"github.com/go-librtmp/rtmp/flv"
)

// WriteTags implements Write for FLV. For each tag that b completes, it stores the tag in t and calls f. n is the number of bytes of b that
// were used. If the parser fails, the text of the error begins with phase, such as "rtmp: publish".
func WriteTags(b []byte, p *flv.Parser, t *flv.Tag, phase string, f func() error) (n int, err error) {
	for n < len(b) {
		k, ok, err := p.Parse(b[n:], t)
		n += k
		if err != nil {
			return n, fmt.Errorf("%s: %w", phase, err)
		}
		if !ok {
			break
		}
		if err := f(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// ReadTags implements ReadFrom. It reads FLV from r, size bytes at a time, and calls write, which passes the bytes to p. If r ends inside a
// tag, the error wraps io.ErrUnexpectedEOF.
func ReadTags(r io.Reader, size int, write func([]byte) (int, error), p *flv.Parser) (total int64, err error) {
	total, err = io.CopyBuffer(writerFunc(write), struct{ io.Reader }{r}, make([]byte, size)) // without r.WriteTo, which would not use the buffer
	if err == nil {
		err = p.End()
	}
	return total, err
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
