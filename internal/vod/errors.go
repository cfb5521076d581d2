package vod

import (
	"context"
	"errors"
	"io/fs"

	"github.com/go-librtmp/rtmp/internal/quote"
)

// These are the errors that an [*Error] may wrap and that a server distinguishes, in addition to fs.ErrNotExist for a missing file.
var (
	ErrBadName     = errors.New("invalid file name")                  // see Folder
	ErrInvalidTime = errors.New("the time is outside the file")       // a position after the end of the file
	ErrNotFLV      = errors.New("not an FLV file")                    // the file is not an FLV file; it was not changed
	ErrBusy        = errors.New("the file is being recorded already") // this process or another one is recording the file
	ErrUnwanted    = errors.New("the publisher has left before the previous recording of the file was closed")
	ErrNoSpace     = errors.New("not enough space for the recording") // MinFree or MaxTotal, the end of the disk, a quota or a limit of the process is reached
	ErrClosed      = fs.ErrClosed                                     // the Folder, Player or Recorder is closed
)

// Error is the type of all errors of this package, except for io.EOF, a context's error and the [*flv.Error] of a damaged file.
type Error struct {
	Op   string // play, seek or record
	Name string // the requested name; "" for recordings, since a publishing name is a key
	Err  error  // the reason, without the file's path
}

// busyError is the [ErrBusy] for a file that this process is recording.
type busyError struct{ over <-chan struct{} } // closed when the present recording has ended

func (e *busyError) Error() string { return ErrBusy.Error() }
func (e *busyError) Unwrap() error { return ErrBusy }

// Error implements error. The name is cut and quoted. The text begins like that of every error of a server, since Files.Done receives it.
func (e *Error) Error() string {
	s := "rtmp: " + e.Op
	if e.Name != "" {
		s += " " + quote.Peer(e.Name)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// failed returns the error of an operation, or nil if err is nil. It returns a context's error unchanged.
func failed(op, name string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Error{Op: op, Name: name, Err: withoutPath(err)}
}

// withoutPath returns the reason in a file's error.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
