package vod

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// RecordOptions say how a recording is made. The zero value replaces an existing file, and has no limits except that of MinFree.
type RecordOptions struct {
	Append      bool          // continue an existing file 1 ms after its last tag; a truncated tag is removed first
	Keep        bool          // choose a name for the first file as for the later ones (see Next), so that it replaces no file; Append comes first
	Wait        time.Duration // how long to wait for the end of another recording of the file by this process; 0 means not to wait
	Wanted      func() bool   // called after such a wait; if it returns false, the error is ErrUnwanted; nil means true
	MaxSize     int64         // size of a file in bytes after which the next begins, at a key frame; <= 0 means no limit
	MaxDuration time.Duration // duration of a file after which the next begins, at a key frame; <= 0 means no limit
	MinFree     int64         // free bytes on the disk below which nothing is recorded; 0 means 100 MiB, < 0 no limit
	MaxTotal    int64         // total size of the files in the folder in bytes above which nothing is recorded; <= 0 means no limit

	// Next returns the name of each file after the first. If Next is nil, the files get the name of the first file. They never replace
	// another file. If a name is in use, "-2", "-3" and so on are inserted before ".flv". If Next is set and Append is not, Keep is implied.
	// Next must not use the Recorder.
	Next func(start time.Time) string

	// Done is called for each file after Write or Close has closed it. If the recording ended early, err is the reason. Done may be nil.
	Done func(name string, err error)
}

// Recorder writes a stream to a file, or to several files one after the other. Its methods may be called
// from any goroutine.
//
// The Recorder has no buffer, so write many tags at once. At any time, a file consists of whole tags, except that the last tag may be
// incomplete. So a file can be played even if it was never closed. When a file is closed, its duration, size and last timestamp are written
// into its metadata.
//
// Without a tag that is not a header, there is no recording: an earlier one is not replaced, and a new file is removed.
type Recorder struct {
	folder *Folder
	o      RecordOptions

	first string // name of the first file

	mu      sync.Mutex
	part    int // number at the end of the last file's name
	out     *output
	headers flv.Headers // the newest headers
	line    flv.Timeline
	zero    int64 // the time in line that corresponds to out.base
	timed   bool  // zero is valid
	checked int64 // out.size at the last check of the limits
	closed  bool
	err     error
	done    []finished // files for which Done has not been called yet
}

// finished is a closed file.
type finished struct {
	name string
	err  error
}

// Recorded is a tag to be recorded.
type Recorded struct {
	flv.Tag          // Body is the whole body, or its first piece, of at least 64 bytes
	More    [][]byte // the other pieces of the body
}

// size returns the length of the body in bytes.
func (t *Recorded) size() int {
	n := len(t.Body)
	for _, piece := range t.More {
		n += len(piece)
	}
	return n
}

const (
	checkEvery     = 1 << 20 // bytes
	defaultMinFree = 100 << 20
)

func newRecorder(f *Folder, name string, o RecordOptions) (*Recorder, error) {
	if o.MinFree == 0 {
		o.MinFree = defaultMinFree
	}
	r := &Recorder{folder: f, o: o, first: name, part: 1}
	dir, err := f.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := r.checkLimits(dir); err != nil {
		return nil, err
	}
	if err := r.begin(time.Now().Add(o.Wait)); err != nil {
		return nil, err
	}
	return r, nil
}

// begin begins the first file. If this process is already recording to the file, begin waits for the end of that recording until the
// deadline.
func (r *Recorder) begin(deadline time.Time) (err error) {
	for {
		switch {
		case r.o.Append:
			r.out, err = r.folder.create(r.first, continueFile)
		case r.o.Keep || r.o.Next != nil:
			err = r.beginNew(r.first, 1)
		default:
			r.out, err = r.folder.create(r.first, replaceFile)
		}
		var busy *busyError
		if !errors.As(err, &busy) {
			return err
		}
		select {
		case <-busy.over:
			if r.o.Wanted != nil && !r.o.Wanted() {
				return ErrUnwanted
			}
		case <-time.After(time.Until(deadline)):
			return err
		}
	}
}

// checkLimits returns ErrNoSpace if less than MinFree bytes are free on the disk, or the folder has more than MaxTotal bytes.
func (r *Recorder) checkLimits(file *os.File) error {
	if r.o.MinFree > 0 {
		if free, err := freeSpace(file); err == nil && free < r.o.MinFree {
			return fmt.Errorf("%w: %d bytes are free on the disk, MinFree is %d", ErrNoSpace, free, r.o.MinFree)
		}
	}
	if r.o.MaxTotal > 0 {
		if total := r.folder.usage.total(r.folder.root); total > r.o.MaxTotal {
			return fmt.Errorf("%w: the folder has %d bytes, MaxTotal is %d", ErrNoSpace, total, r.o.MaxTotal)
		}
	}
	return nil
}

// Write writes tags, usually with one system call. It does not keep the bodies. The first audio or video tag gets the timestamp 0, and the
// timestamps of later ones are relative to it. Headers (see flv.IsHeader) may come at any time and with any timestamp, and are repeated at
// the beginning of every file. Headers and other script data get the timestamp of the tag written last. Tags of other types are left out.
//
// The error is an [*Error] that wraps ErrNoSpace or an error of the system. After an error the file is closed and ends with a whole tag,
// and every later call returns the same error.
func (r *Recorder) Write(tags ...Recorded) error {
	return r.locked(func() error {
		if r.closed && r.err == nil {
			return ErrClosed
		}
		for _, t := range tags {
			if r.err == nil && isMedia(t.Type) {
				r.stop(r.add(t))
			}
		}
		r.stop(r.out.flush())
		return r.err
	})
}

// Name returns the name of the file that is being written or, after Close, of
// the last file.
func (r *Recorder) Name() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.name
}

// Close closes the file. If an error has ended the recording, Close returns it.
func (r *Recorder) Close() error {
	return r.locked(func() error {
		if !r.closed {
			r.closed = true
			r.closeFile()
		}
		return r.err
	})
}

// locked calls f with the lock held, and then Done without the lock.
func (r *Recorder) locked(f func() error) error {
	r.mu.Lock()
	err := f()
	done := r.done
	r.done = nil
	r.mu.Unlock()
	if r.o.Done != nil {
		for _, d := range done {
			r.o.Done(d.name, d.err)
		}
	}
	return failed("record", "", err)
}

// add adds a tag. If necessary, it first begins the next file.
func (r *Recorder) add(t Recorded) error {
	if n := t.size(); n > flv.MaxBodySize {
		return &flv.Error{Detail: "body is too long for a tag", Value: n}
	}
	kind, _ := flv.KindOf(t.Tag)
	if kind == flv.KindHeader {
		if len(t.More) > 0 {
			t.Body, t.More = slices.Concat(t.Body, slices.Concat(t.More...)), nil
		}
		r.headers.Keep(t.Tag)
		if !r.out.begun {
			return nil
		}
	}
	if kind == flv.KindHeader || kind == flv.KindData {
		return r.write(t, max(r.out.last, r.out.base))
	}
	now := r.line.Unwrap(t.Timestamp)
	if !r.timed {
		r.timed, r.zero = true, now
	}
	at := now - r.zero + r.out.base
	if r.isNext(kind, at) {
		if err := r.nextFile(); err != nil {
			return err
		}
		r.zero, at = now, 0
	}
	return r.write(t, max(at, r.out.base))
}

// write adds a tag with the time at. Before the first tag of a file, it replaces an old file and adds the headers.
func (r *Recorder) write(t Recorded, at int64) (err error) {
	if !r.out.begun {
		if r.out.old {
			if r.out, err = r.folder.replace(r.out); err != nil {
				return err
			}
		}
		r.out.begin(&r.headers)
	}
	r.out.write(t, at)
	if r.out.size-r.checked < checkEvery {
		return nil
	}
	r.checked = r.out.size
	return r.checkLimits(r.out.file)
}

// isNext reports whether a tag must begin the next file. It must if a limit is exceeded and the tag can be decoded without the tags before
// it. It also must if the file is twice as large or as long as allowed.
func (r *Recorder) isNext(kind flv.Kind, at int64) bool {
	size, time := r.o.MaxSize, r.o.MaxDuration.Milliseconds()
	exceeds := func(times int64) bool {
		return size > 0 && r.out.size/times >= size || time > 0 && at/times >= time
	}
	begins := kind == flv.KindKeyFrame || kind == flv.KindAudio && !r.out.has.HasVideo
	return r.out.begun && (begins && exceeds(1) || exceeds(2))
}

// nextFile closes the file and begins the next one.
func (r *Recorder) nextFile() error {
	if r.closeFile(); r.err != nil {
		return r.err
	}
	if r.o.Next != nil {
		return r.beginNew(r.o.Next(time.Now()), 1)
	}
	return r.beginNew(r.first, r.part+1)
}

// beginNew begins a file with a name that is not in use: name with the number n or, if that is in use, with a larger one (see numbered).
func (r *Recorder) beginNew(name string, n int) error {
	for {
		out, err := r.folder.create(numbered(name, n), newFile)
		if err == nil {
			r.out, r.checked, r.part = out, 0, n
			return nil
		}
		if !errors.Is(err, fs.ErrExist) || n == maxNumber {
			return err
		}
		n = unused(n, func(n int) bool {
			_, err := r.folder.root.Lstat(numbered(name, n))
			return err == nil
		})
	}
}

// stop ends the recording if err is not nil.
func (r *Recorder) stop(err error) {
	if err == nil || r.err != nil {
		return
	}
	r.err = roomError(err)
	r.closeFile()
}

// closeFile closes the file, if it is open. If nothing was recorded, there is no file to report.
func (r *Recorder) closeFile() {
	if r.out.closed {
		return
	}
	if !r.out.begun {
		r.folder.discard(r.out)
		return
	}
	if err := r.out.close(); r.err == nil {
		r.err = roomError(err)
	}
	r.done = append(r.done, finished{r.out.name, failed("record", "", r.err)})
}

// roomError wraps an error of the system in ErrNoSpace if there is not enough space.
func roomError(err error) error {
	if err != nil && isFull(err) {
		return fmt.Errorf("%w: %w", ErrNoSpace, withoutPath(err))
	}
	return err
}
