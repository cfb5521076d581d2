package server

import "github.com/go-librtmp/rtmp/flv"

// flvReader makes an FLV file of tags, to be read in pieces. The tags that come first wait until it is known what the file header has
// to announce.
type flvReader struct {
	prelude flv.Prelude
	begun   bool
	buf     []byte // before begun without the file header
	handed  int
}

func (f *flvReader) ready() bool { return f.begun && f.handed < len(f.buf) }

func (f *flvReader) add(t flv.Tag) {
	if f.handed == len(f.buf) {
		f.buf, f.handed = f.buf[:0], 0
	}
	f.buf = flv.AppendTag(f.buf, t)
	if !f.begun && f.prelude.Add(t.Type, t.Timestamp, len(t.Body)) {
		f.flush()
	}
}

// flush begins with what is there, if anything is.
func (f *flvReader) flush() {
	if f.begun || len(f.buf) == 0 {
		return
	}
	f.begun = true
	f.buf = append(flv.AppendFileHeader(nil, f.prelude.Header()), f.buf...)
}

func (f *flvReader) read(b []byte) int {
	n := copy(b, f.buf[f.handed:])
	f.handed += n
	return n
}
