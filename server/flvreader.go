package server

import "github.com/go-librtmp/rtmp/flv"

// flvReader converts tags to an FLV file that is read in pieces. It keeps the first tags until it knows whether the file header must
// announce audio, video or both.
type flvReader struct {
	prelude       flv.Prelude
	headerWritten bool
	buf           []byte // the file header once headerWritten is true, and the tags
	handed        int    // bytes of buf that were read
}

func (f *flvReader) ready() bool { return f.headerWritten && f.handed < len(f.buf) }

func (f *flvReader) add(t flv.Tag) {
	if f.handed == len(f.buf) {
		f.buf, f.handed = f.buf[:0], 0
	}
	f.buf = flv.AppendTag(f.buf, t)
	if !f.headerWritten && f.prelude.Add(t, len(t.Body)) {
		f.flush()
	}
}

// flush begins the file with the tags that have been added, if there are any.
func (f *flvReader) flush() {
	if f.headerWritten || len(f.buf) == 0 {
		return
	}
	f.headerWritten = true
	f.buf = append(flv.AppendFileHeader(nil, f.prelude.Header()), f.buf...)
}

func (f *flvReader) read(b []byte) int {
	n := copy(b, f.buf[f.handed:])
	f.handed += n
	return n
}
