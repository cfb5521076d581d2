package download

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// output writes the download as FLV. Every write consists of whole tags.
type output struct {
	file     *os.File // nil if the output can't be cut
	closer   io.Closer
	sync     func(*os.File) error // nil means that the system decides when to write to the disk
	w        io.Writer
	pending  []byte // whole tags and the file header that wait for flush
	borrowed []byte // like pending, in the memory of write's caller; one of pending and borrowed is always empty
	tail     *tail  // tail of the file, including the pending tags

	created   fs.FileInfo   // of the file, if it did not exist before; otherwise nil
	begun     bool          // the file header has been written
	stale     bool          // the file has bytes after tail.end
	dumpFlags bool          // the file header announces what it does in rtmpdump; see rtmpdumpFlags
	dumpStart time.Duration // Options.Start, if dumpFlags is set
	prelude   flv.Prelude
	waiting   []flv.Tag // copies of the tags that wait for the file header

	audio, video, data int64 // tags written
}

func newOutput(w io.Writer, skip int) *output {
	return &output{w: w, tail: &tail{skip: skip, writeOnly: true}}
}

// createOutput opens a file to be replaced, or creates it. The old content stays until the first tag is written.
func createOutput(path string, skip int) (*output, error) {
	info, statErr := os.Stat(path)
	if statErr == nil && !info.Mode().IsRegular() { // a pipe or a device
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
	if errors.Is(statErr, fs.ErrNotExist) {
		if o.created, err = f.Stat(); err != nil {
			f.Close()
			return nil, &WriteError{err}
		}
	}
	o.tail.file, o.tail.writeOnly = f, false
	return o, nil
}

// resumeOutput opens a file to be continued. If there is nothing to continue, it behaves like createOutput.
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

// removeCreated removes the file that createOutput has created, if it is still empty and has its name. If the name is a symbolic link, the
// link stays.
func (o *output) removeCreated() {
	if o.created == nil {
		return
	}
	path, err := filepath.EvalSymlinks(o.file.Name())
	if err != nil {
		return
	}
	if info, err := os.Lstat(path); err == nil && os.SameFile(info, o.created) && info.Size() == 0 {
		os.Remove(path)
	}
}

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
	o.waiting = append(o.waiting, tag)
	if o.prelude.Add(tag, len(tag.Body)) || o.dumpFlags && tag.Timestamp != 0 {
		return o.begin()
	}
	return nil
}

// begin adds the file header and the tags that waited for the header.
func (o *output) begin() error {
	if o.begun || len(o.waiting) == 0 {
		return nil
	}
	if o.stale {
		if err := o.cut(0); err != nil {
			return err
		}
	}
	header := o.prelude.Header()
	if o.dumpFlags {
		header = rtmpdumpFlags(header, o.dumpStart, o.waiting)
	}
	o.pending = flv.AppendFileHeader(o.pending, header)
	o.begun, o.tail.end = true, flv.FileHeaderSize
	early := o.waiting
	o.waiting = nil
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

// add copies a tag to pending, or refers to raw: tags that are adjacent in memory are written together without copying.
func (o *output) add(tag flv.Tag, raw []byte) error {
	asItIs := raw != nil && timeOf(raw) == tag.Timestamp
	if asItIs && adjacent(o.borrowed, raw) {
		o.borrowed = o.borrowed[:len(o.borrowed)+len(raw)]
		return nil
	}
	if asItIs || len(o.borrowed) > 0 || len(o.pending) >= gather {
		if err := o.flush(); err != nil {
			return err
		}
	}
	if asItIs {
		o.borrowed = raw
	} else {
		o.pending = flv.AppendTag(o.pending, tag)
	}
	return nil
}

func timeOf(raw []byte) uint32 {
	t, _, _ := flv.ParseTagHeader(raw)
	return t.Timestamp
}

func adjacent(a, b []byte) bool { return len(a) < cap(a) && &a[:len(a)+1][len(a)] == &b[0] }

func (o *output) counter(t flv.TagType) *int64 {
	switch t {
	case flv.TagAudio:
		return &o.audio
	case flv.TagVideo:
		return &o.video
	}
	return &o.data
}

func (o *output) discard() {
	o.waiting, o.prelude = nil, flv.Prelude{}
}

func (o *output) finish() error {
	if err := o.begin(); err != nil {
		return err
	}
	return o.flush()
}

func (o *output) flush() error {
	b := o.pending
	if len(o.borrowed) > 0 {
		b = o.borrowed
	}
	if len(b) == 0 {
		return nil
	}
	o.pending, o.borrowed = o.pending[:0], nil
	n, err := o.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return o.writeFailed(b, n, err)
	}
	return nil
}

// writeFailed handles a write error, such as a full disk, after n bytes of b were written. It discards the rest, and cuts the file after
// the last whole tag.
func (o *output) writeFailed(b []byte, n int, err error) error {
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
