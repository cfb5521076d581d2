package main

import (
	"encoding/binary"
	"io"
)

// wholeReader reads the stream as FLV bytes, like flvReader, but gives out no part of a message before the message is complete. A server may
// abort a message, or the connection may end inside one, so a library has to do that. Each message is therefore assembled first, and then
// copied to the caller.
type wholeReader struct {
	counter
	c    *client
	tag  [15]byte  // tag header, and previous tag size
	rest [3][]byte // what is left of the tag: its header, its body, and the previous tag size
}

func newWholeReader(c *client) flvSource {
	return &wholeReader{c: c, rest: [3][]byte{[]byte(fileHeader)}}
}

func (f *wholeReader) Read(p []byte) (at int, err error) {
	for {
		for i, b := range f.rest {
			n := copy(p[at:], b)
			at += n
			f.rest[i] = b[n:]
		}
		if at == len(p) || f.c.r == f.c.w && at >= len(p)/2 {
			return at, nil
		}
		st, err := f.c.message()
		if err != nil {
			return at, err
		}
		if st.typ == streamEOF {
			return at, io.EOF
		}
		f.add(st)
		putTagHeader(f.tag[:], st)
		binary.BigEndian.PutUint32(f.tag[11:], uint32(st.length+11))
		f.rest = [3][]byte{f.tag[:11], st.body, f.tag[11:]}
	}
}
