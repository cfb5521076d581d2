package media

import (
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// NewFileReader returns a Reader of an FLV file. Errors in the file format are of type [*flv.Error].
func NewFileReader(r *flv.Reader) *Reader { return NewReader(&fileReader{r: r}) }

type fileReader struct {
	r   *flv.Reader
	tag flv.Tag
}

func (f *fileReader) ReadPacket(p *message.Packet) error {
	for {
		if err := f.r.Next(&f.tag); err != nil {
			return err
		}
		if f.tag.Filtered {
			continue // the tag is encrypted
		}
		*p = message.Packet{Type: message.Type(f.tag.Type), Timestamp: f.tag.Timestamp, Absolute: true, Body: append(p.Body[:0], f.tag.Body...)}
		return nil
	}
}

// NewFileWriter returns a Writer of tracks to an FLV file, which must be empty. The file header and the metadata are written before the
// first unit, or by [Writer.WriteHeaders].
func NewFileWriter(w *flv.Writer, tracks ...*Track) *Writer {
	f := &fileWriter{w: w}
	for _, t := range tracks {
		if t.IsVideo() {
			f.header.HasVideo = true
		} else {
			f.header.HasAudio = true
		}
	}
	return NewWriter(f, tracks...)
}

type fileWriter struct {
	w      *flv.Writer
	header flv.FileHeader
	begun  bool
}

func (f *fileWriter) WritePacket(p *message.Packet) error {
	if !f.begun {
		if err := f.w.WriteHeader(f.header); err != nil {
			return err
		}
		f.begun = true
	}
	return f.w.WriteTag(flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: p.Body})
}
