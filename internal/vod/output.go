package vod

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
	"syscall"

	"github.com/go-librtmp/rtmp/flv"
)

// output is a file that is being recorded. All times are in milliseconds from its beginning.
type output struct {
	file  *os.File
	name  string
	usage *usage
	queue vector // tags to be written by flush

	has     flv.FileHeader
	numbers [len(finalProperties)]int64 // positions of the metadata's numbers in the file; 0 if missing
	base    int64                       // minimum time of a new tag, after all tags of earlier recordings in the file
	last    int64                       // the largest time of a tag
	shown   int64                       // time at which the last picture is shown, which may be later than last
	size    int64                       // size of the file, including queued tags
	begun   bool                        // this recording's headers have been written
	closed  bool

	old     bool // the file is an earlier recording, which will be replaced before the first tag; see registry.setOld
	created bool // the file did not exist or was empty

	whole, wholeLast, wholeShown int64 // values of size, last and shown after the last successful write
}

// creation says what to do if a file of the same name exists.
type creation int

const (
	replaceFile  creation = iota
	continueFile          // add tags after the existing ones
	newFile               // return fs.ErrExist
)

// create opens a file for a recording, and makes missing directories. An existing file that is to be replaced stays as it is until replace.
func (f *Folder) create(name string, how creation) (*output, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if how != newFile {
		if err := f.regular(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if dir := path.Dir(name); dir != "." {
		err := f.root.MkdirAll(dir, 0o755)
		if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) {
			err = fmt.Errorf("%w: one of its folders is a file", ErrBadName)
		}
		if err != nil {
			return nil, err
		}
	}
	recordings.naming.RLock()
	o, err := f.claim(name, how)
	recordings.naming.RUnlock()
	if err != nil || o.old {
		return o, err
	}
	if err := o.start(); err != nil {
		f.discard(o)
		return nil, err
	}
	return o, nil
}

// claim opens a file and registers it as being recorded. It fails if another recorder has the file open.
func (f *Folder) claim(name string, how creation) (*output, error) {
	flags := os.O_RDWR | os.O_CREATE
	if how == newFile {
		flags |= os.O_EXCL
	}
	file, err := f.root.OpenFile(name, flags, 0o644)
	if err != nil {
		return nil, err
	}
	o := &output{file: file, name: name, usage: &f.usage}
	info, err := file.Stat()
	if err == nil {
		if over := recordings.add(o, info); over != nil {
			err = &busyError{over}
		}
	}
	if err == nil {
		err = lock(file)
	}
	if err == nil {
		info, err = file.Stat() // again, since another recorder may have written to the file until now
	}
	if err == nil && !f.holds(o) { // another process has removed it before the lock
		err = ErrBusy
	}
	if err != nil {
		o.release()
		return nil, err
	}
	o.size = info.Size()
	o.created = o.size == 0
	recordings.setOld(o, o.size > 0 && how == replaceFile)
	return o, nil
}

// holds reports whether the file still has its name. It may have been moved away, and the name may have been given to another file.
func (f *Folder) holds(o *output) bool {
	file, err := o.file.Stat()
	if err != nil {
		return false
	}
	named, err := f.root.Stat(o.name)
	return err == nil && os.SameFile(file, named)
}

// replace creates a new file, and gives it the name of the old file o as soon as its file header has been written, so that the old file is
// kept on a full disk. Players of the old file are not affected. If the folder can't be changed, replace empties the old file; on Windows
// always, since a file keeps its name there while it is open. An old file that has been moved away stays as it is.
func (f *Folder) replace(o *output) (*output, error) {
	recordings.naming.Lock()
	defer recordings.naming.Unlock()
	if !f.holds(o) {
		renewed, err := f.claim(o.name, newFile)
		if errors.Is(err, fs.ErrExist) {
			err = ErrBusy
		}
		if err != nil {
			return o, err
		}
		o.release()
		return renewed, renewed.start()
	}
	if runtime.GOOS == "windows" {
		return o, f.empty(o)
	}
	renewed, err := f.renew(o)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrExist): // the latter if the other name is in use and can't be freed
		return o, f.empty(o)
	case err != nil:
		return o, err
	}
	f.usage.add(-o.size)
	o.release()
	return renewed, nil
}

// renew creates a new file with the name of o. Until its file header has been written, it has another name, which is not that of a recording
// (see CheckName) and not longer than that of o.
func (f *Folder) renew(o *output) (*output, error) {
	dir, base := path.Split(o.name)
	other := dir + "." + strings.TrimSuffix(base, extension) + "~"
	if info, err := f.root.Lstat(other); err == nil && f.root.Remove(other) == nil && info.Mode().IsRegular() {
		f.usage.add(-info.Size()) // a killed process has left it; a link would lead to a file that must not be changed
	}
	renewed, err := f.claim(other, newFile)
	if err != nil {
		return nil, err
	}
	if err = renewed.start(); err == nil {
		err = f.root.Rename(other, o.name)
	}
	if err != nil {
		f.root.Remove(other)
		f.usage.add(-renewed.size)
		renewed.release()
		return nil, err
	}
	renewed.name = o.name
	return renewed, nil
}

// empty makes the old file o a new one.
func (f *Folder) empty(o *output) error {
	recordings.setOld(o, false)
	if err := o.file.Truncate(0); err != nil {
		return err
	}
	f.usage.add(-o.size)
	o.size = 0
	return o.start()
}

// discard closes a file to which nothing was added, and removes it if it did not exist before.
func (f *Folder) discard(o *output) {
	recordings.naming.Lock()
	defer recordings.naming.Unlock()
	o.closed = true
	if o.created && f.holds(o) && f.root.Remove(o.name) == nil {
		f.usage.add(-o.size)
	}
	o.release()
}

// release closes the file and ends its lock.
func (o *output) release() error {
	err := o.file.Close()
	recordings.remove(o) // after the file was closed, since a recording that waits for this one needs the file's lock
	return err
}

// start prepares the file for new tags. It moves to the end of the existing tags, or writes a new file header.
func (o *output) start() error {
	if o.size > 0 {
		if again, err := o.resume(); !again {
			return err
		}
	}
	header := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true}) // close corrects the flags when the content is known
	if _, err := o.file.Write(header); err != nil {
		return err
	}
	o.grown(len(header))
	o.whole = o.size
	return nil
}

// resume prepares to write after the file's existing tags. again is true if the file header is incomplete, so that the file must be written
// from the beginning.
func (o *output) resume() (again bool, err error) {
	e, err := findEnd(o.file, o.size)
	if err != nil {
		return false, err
	}
	if err := o.file.Truncate(e.at); err != nil {
		return false, err
	}
	if _, err := o.file.Seek(e.at, io.SeekStart); err != nil {
		return false, err
	}
	o.usage.add(e.at - o.size)
	o.size, o.whole = e.at, e.at
	if e.at == 0 {
		return true, nil
	}
	o.has, o.numbers = e.has, e.numbers
	if e.timed {
		o.last = int64(e.last)
		o.base, o.wholeLast = o.last+1, o.last
	}
	return false, nil
}

// grown records that n bytes were added at the end, possibly only to the queue.
func (o *output) grown(n int) {
	o.size += int64(n)
	o.usage.add(int64(n))
}

// begin adds the metadata and the other headers. If the file existed before, it keeps its metadata.
func (o *output) begin(headers *flv.Headers) {
	o.begun = true
	at := o.base
	if o.size == flv.FileHeaderSize {
		body := appendMetadata(nil, metadataOf(headers))
		for i, n := range findNumbers(body) {
			o.numbers[i] = o.size + flv.TagHeaderSize + n
		}
		o.write(Recorded{Tag: flv.Tag{Type: flv.TagScript, Body: body}}, at)
	}
	for t := range headers.All() {
		if t.Type != flv.TagScript {
			o.write(Recorded{Tag: t}, at)
		}
	}
}

// metadataOf returns the publisher's metadata, or nil if it has sent none.
func metadataOf(headers *flv.Headers) []byte {
	for t := range headers.All() {
		if t.Type == flv.TagScript {
			return t.Body
		}
	}
	return nil
}

// write adds a tag with a time. The body must not change until flush.
func (o *output) write(t Recorded, at int64) {
	n := t.size()
	o.queue.add(t, n, uint32(at))
	o.grown(n + flv.TagOverhead)
	o.last = max(o.last, at)
	o.shown = max(o.shown, at+delay(t.Tag))
	o.has.HasAudio = o.has.HasAudio || t.Type == flv.TagAudio
	o.has.HasVideo = o.has.HasVideo || t.Type == flv.TagVideo
}

// delay returns how much later than its timestamp a picture is shown, in ms.
func delay(t flv.Tag) int64 {
	if t.Type != flv.TagVideo {
		return 0
	}
	h, err := flv.ParseVideoHeader(t.Body)
	if err != nil || !h.IsFrame() {
		return 0
	}
	return int64(h.CompositionTime)
}

// flush writes the queued tags to the file.
func (o *output) flush() error {
	err := o.queue.writeTo(o.file)
	if err == nil {
		o.whole, o.wholeLast, o.wholeShown = o.size, o.last, o.shown
	}
	return err
}

// close writes the queued tags, updates the file header and the metadata, and closes the file. If a write fails, it truncates the file
// after the last whole tag.
func (o *output) close() error {
	o.closed = true
	err := o.flush()
	if err != nil {
		o.cut()
	}
	return errors.Join(err, o.finish(), o.release())
}

// cut removes an incomplete tag from the end of the file.
func (o *output) cut() {
	info, err := o.file.Stat()
	if err != nil {
		return
	}
	o.last, o.shown = o.wholeLast, o.wholeShown
	var line flv.Timeline
	line.Set(o.last)
	s := scannerAt(o.file, info.Size(), o.whole)
	var h head
	for s.next(&h) && h.end() == s.whole { // this recording has written all these tags, so their timestamps increase
		o.last = max(o.last, line.Unwrap(h.Timestamp))
		o.shown = max(o.shown, o.last+delay(h.Tag))
	}
	o.usage.add(s.whole - o.size)
	o.size = s.whole
	o.file.Truncate(o.size)
}

// finish updates the file header and the metadata.
func (o *output) finish() error {
	header := flv.AppendFileHeader(nil, o.has)
	if _, err := o.file.WriteAt(header[4:5], 4); err != nil { // the flags
		return err
	}
	for i, v := range finalValuesOf(max(o.shown, o.last), o.size, o.last) {
		if o.numbers[i] == 0 {
			continue
		}
		if _, err := o.file.WriteAt(number(v), o.numbers[i]); err != nil {
			return err
		}
	}
	return nil
}
