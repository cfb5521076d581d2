package server

import "github.com/go-librtmp/rtmp/flv"

// maxPrelude is how much media waits at most, in bytes, for the file header to be known.
const maxPrelude = 128 << 10

// flvReader makes an FLV file of tags, to be read in pieces. The file header waits until it is known which kinds of media there are:
// both have come, or time has begun to run without the other, or a lot has been collected.
type flvReader struct {
	begun  bool
	kinds  flv.FileHeader
	media  int    // bytes of tags before the header is out
	buf    []byte // before begun without the file header
	handed int
}

func (f *flvReader) ready() bool { return f.begun && f.handed < len(f.buf) }

func (f *flvReader) add(t flv.Tag) {
	if f.handed == len(f.buf) {
		f.buf, f.handed = f.buf[:0], 0
	}
	if f.begun {
		f.buf = flv.AppendTag(f.buf, t)
		return
	}
	f.kinds.HasAudio = f.kinds.HasAudio || t.Type == flv.TagAudio
	f.kinds.HasVideo = f.kinds.HasVideo || t.Type == flv.TagVideo
	f.buf = flv.AppendTag(f.buf, t)
	known := f.kinds.HasAudio || f.kinds.HasVideo
	if f.kinds.HasAudio && f.kinds.HasVideo || known && t.Type != flv.TagScript && t.Timestamp != 0 || len(f.buf) > maxPrelude {
		f.flush()
	}
}

// flush begins with what is there, if anything is.
func (f *flvReader) flush() {
	if f.begun || len(f.buf) == 0 {
		return
	}
	f.begun = true
	if !f.kinds.HasAudio && !f.kinds.HasVideo {
		f.kinds = flv.FileHeader{HasAudio: true, HasVideo: true} // nothing is known, and players look for what is announced
	}
	f.buf = append(flv.AppendFileHeader(nil, f.kinds), f.buf...)
}

func (f *flvReader) read(b []byte) int {
	n := copy(b, f.buf[f.handed:])
	f.handed += n
	return n
}
