package vod

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Folder is a directory of FLV files. Its methods may be called from any goroutine.
//
// A name consists of at most 32 elements between slashes, of at most 255 bytes each, and ends with ".flv". An element is not empty, does
// not begin with a dot, and is not the name of a device on Windows. It contains no control characters and no characters that are special on
// Windows. The error for other names is [ErrBadName].
type Folder struct {
	root    *os.Root
	indexes cache
	usage   usage
}

// OpenFolder opens a directory, which must exist.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root: root}, nil
}

// Close closes the directory and releases the indexes. Open Players and Recorders continue to work. But a Recorder fails when it has to
// create another file.
func (f *Folder) Close() error {
	f.indexes.clear()
	return f.root.Close()
}

// Play opens a file and moves to o.Start. To find that position, it may have to scan the file, until ctx is done. The error is that of ctx
// or an [*Error] that wraps fs.ErrNotExist, ErrBadName, ErrNotFLV, ErrInvalidTime if o.Start is after the end, or an error of the system.
func (f *Folder) Play(ctx context.Context, name string, o PlayOptions) (*Player, error) {
	file, err := f.open(name)
	if err != nil {
		return nil, failed("play", name, err)
	}
	p, err := newPlayer(f, name, file, o)
	if err == nil && o.Start > 0 && !p.over {
		err = p.seek(ctx, o.Start)
	}
	if err != nil {
		file.Close()
		return nil, failed("play", name, err)
	}
	return p, nil
}

// open opens a file for reading.
func (f *Folder) open(name string) (*os.File, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if err := f.regular(name); err != nil {
		return nil, err
	}
	return f.root.Open(name)
}

// errIrregular is the error for files that cannot be played, such as pipes. Opening them might block.
var errIrregular = errors.New("not a regular file")

// regular returns an error if name is not a regular file.
func (f *Folder) regular(name string) error {
	info, err := f.root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errIrregular
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fs.ErrNotExist
	case errors.Is(err, syscall.ENAMETOOLONG):
		return ErrBadName
	}
	return err
}

// Record begins a recording, and creates missing directories. The error is an [*Error] that wraps ErrBadName, ErrBusy, ErrUnwanted, ErrNoSpace,
// ErrNotFLV or an error of the system. If the existing file is damaged and can't be appended to, it wraps an [*flv.Error]. The errors of a
// recording do not contain its name.
func (f *Folder) Record(name string, o RecordOptions) (*Recorder, error) {
	r, err := newRecorder(f, name, o)
	if err != nil {
		return nil, failed("record", "", roomError(err))
	}
	return r, nil
}
