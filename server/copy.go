package server

import (
	"io"

	"github.com/go-librtmp/rtmp/flv"
)

// copyBuffer is the size of the reads and writes of WriteTo and ReadFrom, in bytes.
const copyBuffer = 64 << 10

// writeAll implements WriteTo with read. io.EOF is not an error.
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

// readAll implements ReadFrom with write, which takes FLV. If r ends inside a tag, the error wraps
// io.ErrUnexpectedEOF.
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
