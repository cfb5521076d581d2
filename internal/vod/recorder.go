package vod

import (
	"time"

	"github.com/go-librtmp/rtmp/flv"
)

// RecordOptions says how a recording is made. The zero value replaces what is there, without limits but that of MinFree.
type RecordOptions struct {
	Append      bool          // go on 1 ms after the last tag of what is there; a tag that was cut off is removed first
	MaxSize     int64         // bytes of a file after which the next begins, with a key frame; <= 0: no limit
	MaxDuration time.Duration // likewise
	MinFree     int64         // bytes free on the disk below which nothing is recorded; 0: 100 MiB; < 0: no limit
	MaxTotal    int64         // bytes of all files in the folder above which nothing is recorded; <= 0: no limit

	// Next names the files after the first. Nil, or a name that it has returned before: the name before with "-2", "-3" and so on in front of ".flv".
	Next func(start time.Time) string

	// Done is called for each file after it has been closed, from WriteTag or Close; err is why recording ended early. May be nil.
	Done func(name string, err error)
}

// Recorder writes a stream into a file, or into one after the other. Its methods may be called from any goroutine.
//
// Tags are gathered and written 64 KiB at a time, or once a second. A file has whole tags in order but for the last at any time, so
// one that was never closed can be played. Closing it writes its duration, size and last timestamp into its metadata.
type Recorder struct{}

// WriteTag adds a tag; nothing of it is kept. Headers (see flv.IsHeader) may come at any time and with any timestamp: they are repeated at the beginning of every
// file, and get the timestamp of what was written last. All other timestamps are counted from the first of them.
//
// The error is an [*Error], ErrNoSpace or the system's, and final: the file was closed and ends with a whole tag, and every later call returns the
// same. Since tags are gathered, it may be about one that was accepted before.
func (r *Recorder) WriteTag(t flv.Tag) error { panic("TODO") }

// Name returns the name of the file that is written at present.
func (r *Recorder) Name() string { panic("TODO") }

// Close writes what was gathered and closes the file. It returns the error that ended the recording, if one did.
func (r *Recorder) Close() error { panic("TODO") }
