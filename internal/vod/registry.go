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
	naming sync.RWMutex // locked while a file is replaced or discarded, so that no other recorder uses its name

	mu    sync.Mutex
	files map[*output]recorded
}

// recorded is a file that is being recorded.
type recorded struct {
	info fs.FileInfo
	over chan struct{} // closed when the file is no longer being recorded
}

// add adds a file. If the file is already being recorded, add returns a channel that is closed when that recording ends.
func (r *registry) add(o *output, info fs.FileInfo) (over <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.find(info); other != nil {
		return r.files[other].over
	}
	if r.files == nil {
		r.files = make(map[*output]recorded)
	}
	r.files[o] = recorded{info, make(chan struct{})}
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

// setOld sets o.old. The owner of o may read it without the lock.
func (r *registry) setOld(o *output, old bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o.old = old
}

// find returns the output of a file that is being recorded, or nil. The caller holds r.mu.
func (r *registry) find(info fs.FileInfo) *output {
	for o, other := range r.files {
		if os.SameFile(info, other.info) {
			return o
		}
	}
	return nil
}

// isRecorded reports whether a file is being recorded, so that more may be added to it.
func isRecorded(file *os.File) bool {
	info, err := file.Stat()
	if err != nil {
		return false
	}
	recordings.mu.Lock()
	defer recordings.mu.Unlock()
	o := recordings.find(info)
	return o != nil && !o.old
}
