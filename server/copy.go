package server

import "io"

// copyBuffer is the size of the reads and writes of WriteTo and ReadFrom, in bytes.
const copyBuffer = 64 << 10

// writeAll implements WriteTo: it copies from read to w until read returns
// io.EOF, which is not an error.
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
