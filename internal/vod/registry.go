package vod

import (
	"io/fs"
	"os"
	"sync"
)

// recordings are the files that this process records. They are compared by identity, not by name, since two programs
// in one process may serve the same directory.
var recordings registry

type registry struct {
	mu    sync.Mutex
	files map[*output]fs.FileInfo
}

// add adds a file, and reports whether it was absent.
func (r *registry) add(o *output, info fs.FileInfo) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.find(info) {
		return false
	}
	if r.files == nil {
		r.files = make(map[*output]fs.FileInfo)
	}
	r.files[o] = info
	return true
}

func (r *registry) remove(o *output) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.files, o)
}

func (r *registry) find(info fs.FileInfo) bool {
	for _, other := range r.files {
		if os.SameFile(info, other) {
			return true
		}
	}
	return false
}

// isRecorded reports whether a file is being recorded.
func isRecorded(file *os.File) bool {
	info, err := file.Stat()
	if err != nil {
		return false
	}
	recordings.mu.Lock()
	defer recordings.mu.Unlock()
	return recordings.find(info)
}
