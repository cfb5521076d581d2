package vod

import (
	"context"
	"errors"
	"io/fs"

	"github.com/go-librtmp/rtmp/internal/quote"
)

// The reasons of an [*Error] that a server tells apart; a file that is not there is fs.ErrNotExist.
var (
	ErrBadName     = errors.New("the name can't be a file's")          // see Folder
	ErrInvalidTime = errors.New("there is nothing at that time")       // a position outside of the file
	ErrNotFLV      = errors.New("not an FLV file")                     // nothing of it was changed
	ErrBusy        = errors.New("the file is being recorded already")  // by this process or another
	ErrNoSpace     = errors.New("there is no space for the recording") // MinFree, MaxTotal, a full disk, a quota or a limit of the process
	ErrClosed      = fs.ErrClosed                                      // the Folder, Player or Recorder is closed
)

// Error is what every function of this package returns but for io.EOF, a context's error and the [*flv.Error] of a damaged file.
type Error struct {
	Op   string // play, seek or record
	Name string // as it was asked for; "" of recordings, since a publishing name is a key
	Err  error  // the reason; without the file's path
}

// Error implements error. The name is cut and quoted.
func (e *Error) Error() string {
	s := "vod: " + e.Op
	if e.Name != "" {
		s += " " + quote.Peer(e.Name)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// failed returns the error of an operation, nil if there is none. That of a context stays as it is.
func failed(op, name string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Error{Op: op, Name: name, Err: withoutPath(err)}
}

// withoutPath returns the reason of a file's error.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
