package download

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/go-librtmp/rtmp/flv"
)

// output writes the download as FLV, to a file or another writer. Every write consists of whole tags.
type output struct {
	file    *os.File // nil if the output can't be cut
	closer  io.Closer
	sync    func(*os.File) error // nil means that the system decides when to write to the disk
	w       io.Writer
	pending []byte // whole tags and the file header that wait for flush
	run     []byte // the same, in memory of the caller of write; at most one of pending and run is in use
	tail    *tail  // tail of the file, including the pending tags

	begun   bool // the file header has been written
	stale   bool // the file has bytes after tail.end
	hasty   bool // as in rtmpdump, the file header announces neither audio nor video if the metadata's timestamp is not 0
	prelude flv.Prelude
	early   []flv.Tag // copies of the tags that wait for the file header

	audio, video, data int64 // tags written
}

// newOutput returns an output that writes to w from the beginning.
func newOutput(w io.Writer, skip int) *output {
	return &output{w: w, tail: &tail{skip: skip, unread: true}}
}

// createOutput opens a file to be replaced, and creates it if necessary. The old content stays in the file until the first tag is written.
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
	o.tail.file, o.tail.unread = f, false
	return o, nil
}

// resumeOutput opens a file to be continued. If the file has nothing to continue, resumeOutput behaves like createOutput.
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
		t.file = o.file
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

// flushDisk flushes the file to the disk if Options.Sync is set.
func (o *output) flushDisk() error {
	if err := o.flush(); err != nil || o.sync == nil || o.file == nil {
		return err
	}
	if err := o.sync(o.file); err != nil {
		return &WriteError{err}
	}
	return nil
}

// identify reads the tags at the end of the file, so that they can be recognized when the server repeats them.
func (o *output) identify() error {
	if err := o.flush(); err != nil {
		return err
	}
	if err := o.tail.identify(); err != nil {
		return &WriteError{err}
	}
	return nil
}

// cut cuts the file at offset so that tags can follow.
func (o *output) cut(offset int64) error {
	if err := o.flush(); err != nil || o.file == nil {
		return err
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

// write adds a tag, which flush will write. Tags wait until the file header is known. If raw is not nil, it is the encoded tag, possibly
// with another timestamp, and must not be modified before flush.
func (o *output) write(tag flv.Tag, raw []byte) error {
	if o.begun {
		return o.put(tag, raw)
	}
	tag.Body = bytes.Clone(tag.Body)
	o.early = append(o.early, tag)
	if o.prelude.Add(tag.Type, tag.Timestamp, len(tag.Body)) || o.hasty && tag.Timestamp != 0 {
		return o.begin()
	}
	return nil
}

// begin adds the file header and the tags that have waited for it.
func (o *output) begin() error {
	if o.begun || len(o.early) == 0 {
		return nil
	}
	if o.stale {
		if err := o.cut(0); err != nil {
			return err
		}
	}
	o.pending = flv.AppendFileHeader(o.pending, o.prelude.Header())
	o.begun, o.tail.end = true, flv.FileHeaderSize
	early := o.early
	o.early = nil
	for _, tag := range early {
		if err := o.put(tag, nil); err != nil {
			return err
		}
	}
	return nil
}

// gather is the number of pending bytes that are written before flush is called.
const gather = 256 << 10

func (o *output) put(tag flv.Tag, raw []byte) error {
	err := o.add(tag, raw)
	if err == nil {
		o.tail.add(tag)
		*o.counter(tag.Type)++
	}
	return err
}

// add copies a tag to pending, or refers to raw: tags that are adjacent in memory are written together without
// copying.
func (o *output) add(tag flv.Tag, raw []byte) error {
	asItIs := raw != nil && timeOf(raw) == tag.Timestamp
	if asItIs && follows(o.run, raw) {
		o.run = o.run[:len(o.run)+len(raw)]
		return nil
	}
	if asItIs || len(o.run) > 0 || len(o.pending) >= gather {
		if err := o.flush(); err != nil {
			return err
		}
	}
	if asItIs {
		o.run = raw
	} else {
		o.pending = flv.AppendTag(o.pending, tag)
	}
	return nil
}

func timeOf(raw []byte) uint32 {
	t, _, _ := flv.ParseTagHeader(raw)
	return t.Timestamp
}

// follows reports whether b begins in memory where a ends.
func follows(a, b []byte) bool { return len(a) < cap(a) && &a[:len(a)+1][len(a)] == &b[0] }

// counter returns the counter for a tag type.
func (o *output) counter(t flv.TagType) *int64 {
	switch t {
	case flv.TagAudio:
		return &o.audio
	case flv.TagVideo:
		return &o.video
	}
	return &o.data
}

// restart discards the tags that have not been written.
func (o *output) restart() {
	o.early, o.prelude = nil, flv.Prelude{}
}

// finish writes all tags, including those that wait for the file header.
func (o *output) finish() error {
	if err := o.begin(); err != nil {
		return err
	}
	return o.flush()
}

// flush writes what is pending.
func (o *output) flush() error {
	b := o.pending
	if len(o.run) > 0 {
		b = o.run
	}
	if len(b) == 0 {
		return nil
	}
	o.pending, o.run = o.pending[:0], nil
	n, err := o.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return o.failed(b, n, err)
	}
	return nil
}

// failed is called after a write error, such as a full disk. It discards the bytes that were not written, and cuts the file after the last
// whole tag. n bytes of b were written.
func (o *output) failed(b []byte, n int, err error) error {
	start := o.tail.end - int64(len(b))
	whole := 0 // number of bytes of b in whole tags
	for at := 0; at < len(b); {
		size := flv.FileHeaderSize
		if start+int64(at) > 0 {
			tag, body, _ := flv.ParseTagHeader(b[at:])
			if size = body + flv.TagOverhead; at+size > n {
				*o.counter(tag.Type)--
			}
		}
		if at += size; at <= n {
			whole = at
		}
	}
	end := start + int64(whole)
	o.tail.cut(end)
	if o.file != nil {
		if cutErr := o.file.Truncate(end); cutErr != nil {
			err = errors.Join(err, cutErr)
		}
	}
	return &WriteError{err}
}
