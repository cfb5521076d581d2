package testserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-librtmp/rtmp/flv"
)

// recorder writes a published stream to a file.
type recorder struct {
	file   *os.File
	out    *flv.Writer
	offset uint32 // added to all timestamps, ms: where the file that is appended to ends
}

// newRecorder opens NAME.flv in dir, to replace what is there or to go on after it.
func newRecorder(dir, name string, resume bool) (*recorder, error) {
	base := name + ".flv"
	if name == "" || !filepath.IsLocal(base) {
		return nil, fmt.Errorf("not a file name: %q", name)
	}
	path := filepath.Join(dir, base)
	r := &recorder{}
	mode := os.O_TRUNC
	if resume {
		var found bool
		var err error
		if r.offset, found, err = recorded(path); err != nil {
			return nil, err
		}
		if found {
			mode = os.O_APPEND
		}
	}
	var err error
	if r.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|mode, 0o644); err != nil {
		return nil, err
	}
	r.out = flv.NewWriter(r.file)
	if mode == os.O_TRUNC {
		if err := r.out.WriteHeader(flv.FileHeader{HasAudio: true, HasVideo: true}); err != nil {
			r.file.Close()
			return nil, err
		}
	}
	return r, nil
}

// recorded returns the time at which a recording ends, ms, and whether there is one to append to. One that can't be read is
// an error: it would be replaced otherwise.
func recorded(path string) (end uint32, found bool, err error) {
	file, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(file) == 0 {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	tags, err := Tags(file)
	for _, tag := range tags { // the last is not always the latest
		end = max(end, tag.Timestamp)
	}
	return end, true, err
}

func (r *recorder) write(tag flv.Tag) error {
	tag.Timestamp += r.offset
	return r.out.WriteTag(tag)
}

func (r *recorder) close() { r.file.Close() }
