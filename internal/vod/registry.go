package vod

import (
	"io/fs"
	"os"
	"sync"
)

// recordings contains the files that this process is recording. Files are compared with os.SameFile, not by name, since two servers in one
// process may use the same directory.
var recordings registry

type registry struct {
	naming sync.RWMutex // locked while a file is replaced, so that no other recorder uses its name

	mu    sync.Mutex
	files map[*output]recorded
}

// recorded is a file that is being recorded.
type recorded struct {
	info fs.FileInfo
	over chan struct{} // closed when the file is no longer being recorded
	old  bool          // nothing will be added to the present content
}

// add adds a file. If the file is already being recorded, add returns a channel that is closed when that recording ends.
func (r *registry) add(o *output, info fs.FileInfo) (over <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if other, found := r.find(info); found {
		return other.over
	}
	if r.files == nil {
		r.files = make(map[*output]recorded)
	}
	r.files[o] = recorded{info, make(chan struct{}), o.old}
	return nil
}

func (r *registry) remove(o *output) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if file, found := r.files[o]; found {
		close(file.over)
		delete(r.files, o)
	}
}

// emptied records that an old file becomes a new one.
func (r *registry) emptied(o *output) {
	r.mu.Lock()
	defer r.mu.Unlock()
	file := r.files[o]
	file.old = false
	r.files[o] = file
}

func (r *registry) find(info fs.FileInfo) (file recorded, found bool) {
	for _, other := range r.files {
		if os.SameFile(info, other.info) {
			return other, true
		}
	}
	return recorded{}, false
}

// isRecorded reports whether a file is being recorded, so that more may be added to it.
func isRecorded(file *os.File) bool {
	info, err := file.Stat()
	if err != nil {
		return false
	}
	recordings.mu.Lock()
	defer recordings.mu.Unlock()
	recorded, found := recordings.find(info)
	return found && !recorded.old
}
