package vod

import (
	"os"

	"github.com/go-librtmp/rtmp/flv"
)

// vector contains tags that are to be written together. It refers to their bodies.
type vector struct {
	pieces [][]byte
	heads  []byte // memory of the tag headers and previous tag sizes in pieces
	err    error  // the first error of writeTo; final
}

// add adds a tag with a body of n bytes.
func (v *vector) add(t Recorded, n int, timestamp uint32) {
	var room [flv.TagOverhead]byte
	at := len(v.heads)
	v.heads = append(v.heads, room[:]...)
	head, tail := v.heads[at:at+flv.TagHeaderSize], v.heads[at+flv.TagHeaderSize:]
	flv.PutTagHeader(head, t.Type, n, timestamp)
	flv.PutPreviousTagSize(tail, n)
	v.pieces = append(v.pieces, head)
	if n > 0 {
		v.pieces = append(append(v.pieces, t.Body), t.More...)
	}
	v.pieces = append(v.pieces, tail)
}

// writeTo writes the tags to f, and removes them from v.
func (v *vector) writeTo(f *os.File) error {
	if v.err == nil && len(v.pieces) > 0 {
		v.err = writev(f, v.pieces)
	}
	clear(v.pieces)
	v.pieces, v.heads = v.pieces[:0], v.heads[:0]
	return v.err
}
