package vod

import "context"

// Folder is a directory of FLV files. Its methods may be called from any goroutine.
//
// A name has at most 32 elements between slashes, of at most 255 bytes each, and ends with ".flv". An element is not empty, does not begin with a dot, is
// not the name of a device on Windows, and has neither backslashes nor control characters; everything else is [ErrBadName].
type Folder struct{}

// OpenFolder opens a directory, which must exist.
func OpenFolder(dir string) (*Folder, error) { panic("TODO") }

// Close forgets the index. Players and Recorders that are open go on.
func (f *Folder) Close() error { panic("TODO") }

// CheckName returns ErrBadName if there can't be a file of that name.
func CheckName(name string) error { panic("TODO") }

// Play opens a file. ctx ends the search for the beginning, where o.Start makes one necessary. The error is an [*Error]: fs.ErrNotExist,
// ErrBadName, ErrNotFLV, ErrInvalidTime if o.Start is behind the end, or the system's.
func (f *Folder) Play(ctx context.Context, name string, o PlayOptions) (*Player, error) {
	panic("TODO")
}

// Record begins a recording; directories that are missing are made. The error is an [*Error]: ErrBadName, ErrBusy, ErrNoSpace, ErrNotFLV, or the
// system's.
func (f *Folder) Record(name string, o RecordOptions) (*Recorder, error) { panic("TODO") }
