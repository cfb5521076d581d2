package download

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/go-librtmp/rtmp/flv"
)

// output is the FLV file, or the stream of one, that a download writes. Every write is of whole tags.
type output struct {
	file   *os.File // nil: the output can't be cut
	closer io.Closer
	sync   func(*os.File) error // nil: the system writes to the disk when it likes
	out    *flv.Writer
	tail   *tail

	begun   bool // there is a file header
	stale   bool // the file has bytes after tail.end
	hasty   bool // as rtmpdump is: metadata whose time is not 0 makes a file header that announces nothing
	prelude flv.Prelude
	early   []flv.Tag // the tags of prelude, copies

	audio, video, data int64 // tags written
}

// newOutput writes to w from the beginning.
func newOutput(w io.Writer, skip int) *output {
	return &output{out: flv.NewWriter(w), tail: &tail{skip: skip}}
}

// createOutput opens a file to be replaced, and makes it if it is not there. What it has is kept until there is something to
// replace it with.
func createOutput(path string, skip int) (*output, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe or a device
		f, err := os.Create(path)
		if err != nil {
			return nil, &WriteError{err}
		}
		o := newOutput(f, skip)
		o.closer = f
		return o, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, &WriteError{err}
	}
	o := newOutput(f, skip)
	o.file, o.closer, o.stale = f, f, true
	return o, nil
}

// resumeOutput opens a file to be continued. What can't be continued is replaced as by createOutput.
func resumeOutput(path string, skip int) (*output, error) {
	o, err := createOutput(path, skip)
	if err != nil || o.file == nil {
		return o, err
	}
	t, err := scan(o.file, skip)
	if err != nil {
		o.file.Close()
		return nil, err
	}
	if !t.empty() {
		o.tail, o.begun = t, true
	}
	return o, nil
}

func (o *output) close() error {
	if o.closer == nil {
		return nil
	}
	if err := o.flushDisk(); err != nil {
		o.closer.Close()
		return err
	}
	if err := o.closer.Close(); err != nil {
		return &WriteError{err}
	}
	return nil
}

// flushDisk returns when what was written is on the disk, if that is wanted.
func (o *output) flushDisk() error {
	if o.sync == nil || o.file == nil {
		return nil
	}
	if err := o.sync(o.file); err != nil {
		return &WriteError{err}
	}
	return nil
}

// cut makes the file end at offset, at or before its end, so that tags can follow.
func (o *output) cut(offset int64) error {
	if o.file == nil {
		return nil
	}
	if offset < o.tail.end {
		o.tail.cut(offset)
	}
	if err := o.file.Truncate(offset); err != nil {
		return &WriteError{err}
	}
	if _, err := o.file.Seek(offset, io.SeekStart); err != nil {
		return &WriteError{err}
	}
	o.stale = false
	return nil
}

// write adds a tag. Tags wait for the file header until that is known.
func (o *output) write(tag flv.Tag) error {
	if o.begun {
		return o.put(tag)
	}
	tag.Body = bytes.Clone(tag.Body)
	o.early = append(o.early, tag)
	if o.prelude.Add(tag.Type, tag.Timestamp, len(tag.Body)) || o.hasty && tag.Timestamp != 0 {
		return o.flush()
	}
	return nil
}

// flush writes the file header and what has waited for it, if anything has.
func (o *output) flush() error {
	if o.begun || len(o.early) == 0 {
		return nil
	}
	if o.stale {
		if err := o.cut(0); err != nil {
			return err
		}
	}
	if err := o.out.WriteHeader(o.prelude.Header()); err != nil {
		return o.failed(err)
	}
	o.begun, o.tail.end = true, flv.FileHeaderSize
	early := o.early
	o.early = nil
	for _, tag := range early {
		if err := o.put(tag); err != nil {
			return err
		}
	}
	return nil
}

func (o *output) put(tag flv.Tag) error {
	if err := o.out.WriteTag(tag); err != nil {
		return o.failed(err)
	}
	o.tail.add(tag)
	switch tag.Type {
	case flv.TagAudio:
		o.audio++
	case flv.TagVideo:
		o.video++
	default:
		o.data++
	}
	return nil
}

// restart forgets what has not been written.
func (o *output) restart() {
	o.early, o.prelude = nil, flv.Prelude{}
}

// failed takes away what was written of a tag before a disk was full.
func (o *output) failed(err error) error {
	if o.file != nil {
		if cutErr := o.file.Truncate(o.tail.end); cutErr != nil {
			err = errors.Join(err, cutErr)
		}
	}
	return &WriteError{err}
}
