package server

import "io"

// copyBuffer is the size of the reads and writes of WriteTo and ReadFrom, in bytes.
const copyBuffer = 64 << 10

// writeAll implements WriteTo: it copies from read to w until read returns io.EOF, which is not an error.
func writeAll(w io.Writer, read func([]byte) (int, error)) (total int64, err error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, readerFunc(read), make([]byte, copyBuffer)) // hides w.ReadFrom, which would not use the buffer
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
