package main

import (
	"encoding/binary"
	"io"

	"github.com/go-librtmp/rtmp/bench/media"
)

// flvSource is the stream as FLV bytes.
type flvSource interface {
	io.Reader
	total() media.Got
}

const fileHeader = "FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"

func putTagHeader(b []byte, st *chunkStream) {
	l, t := st.length, st.ts
	copy(b, []byte{st.typ, byte(l >> 16), byte(l >> 8), byte(l), byte(t >> 16), byte(t >> 8), byte(t), byte(t >> 24), 0, 0, 0})
}

// flvReader reads the stream as FLV bytes. It gives out what has arrived, also in the middle of a message.
type flvReader struct {
	counter
	c     *client
	st    *chunkStream
	left  int // payload bytes left of the current chunk
	head  [15]byte
	hr, n int // head[hr:n] is returned first
}

func newFLVReader(c *client) flvSource {
	f := &flvReader{c: c}
	f.n = copy(f.head[:], fileHeader)
	return f
}

func (f *flvReader) Read(p []byte) (int, error) {
	c, at := f.c, 0
	for at < len(p) {
		if f.hr < f.n {
			k := copy(p[at:], f.head[f.hr:f.n])
			f.hr += k
			at += k
			continue
		}
		if f.left > 0 {
			if c.r == c.w {
				if at > 0 && at >= len(p)/2 {
					return at, nil
				}
				if err := c.fill(); err != nil {
					return at, err
				}
			}
			k := copy(p[at:], c.buf[c.r:min(c.w, c.r+f.left)])
			c.r += k
			at += k
			f.left -= k
			continue
		}
		if f.st != nil && f.st.got == f.st.length {
			f.st.got = 0
			if f.st.typ == streamEOF {
				return at, io.EOF
			}
			f.add(f.st)
			binary.BigEndian.PutUint32(f.head[:], uint32(f.st.length+11))
			f.hr, f.n, f.st = 0, 4, nil
			if err := c.ack(); err != nil {
				return at, err
			}
			continue
		}
		if c.r == c.w && at >= len(p)/2 {
			return at, nil
		}
		st, n, err := c.chunkHeader()
		if err != nil {
			return at, err
		}
		if st.got == 0 {
			putTagHeader(f.head[:], st)
			f.hr, f.n = 0, 11
		}
		f.st, f.left = st, n
		st.got += n
	}
	return at, nil
}

// pullFLV returns a function that plays a stream through what open returns, and writes what it reads to w. size is the length of the socket
// buffer, and of the slice passed to Read.
func pullFLV(size int, w io.Writer, open func(*client) flvSource) func(string, *media.Got) error {
	return func(url string, got *media.Got) error {
		c, err := start(url, false, size)
		if err != nil {
			return err
		}
		defer c.c.Close()
		f := open(c)
		defer func() { *got = f.total() }()
		buf := make([]byte, size)
		for {
			n, err := f.Read(buf)
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
			if err != nil {
				return ended(err)
			}
		}
	}
}
