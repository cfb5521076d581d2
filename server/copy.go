package server

import (
	"io"

	"github.com/go-librtmp/rtmp/flv"
)

// copyBuffer is what WriteTo and ReadFrom move at a time, in bytes.
const copyBuffer = 64 << 10

// writeAll is WriteTo of what read reads: its end is not an error.
func writeAll(w io.Writer, read func([]byte) (int, error)) (total int64, err error) {
	buf := make([]byte, copyBuffer)
	for {
		n, err := read(buf)
		if n > 0 {
			written, werr := w.Write(buf[:n])
			total += int64(written)
			if werr == nil && written < n {
				werr = io.ErrShortWrite
			}
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// readAll is ReadFrom for what takes FLV with write. A source that ends inside a tag is an error that wraps io.ErrUnexpectedEOF.
func readAll(r io.Reader, write func([]byte) (int, error), parser *flv.Parser) (total int64, err error) {
	buf := make([]byte, copyBuffer)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			written, werr := write(buf[:n])
			total += int64(written)
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, parser.End()
		}
		if err != nil {
			return total, err
		}
	}
}
