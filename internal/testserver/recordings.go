package testserver

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// recordings writes Config.Files to a temporary folder on demand, for server.Files to play.
type recordings struct {
	files map[string][]byte // files by stream name, without the parameters that clients may add
	shape Shape
	dir   string

	mu   sync.Mutex
	made map[string]string // paths in dir without .flv, by stream name
}

func newRecordings(cfg Config) *recordings {
	r := &recordings{files: make(map[string][]byte), shape: cfg.Shape, dir: filepath.Join(os.TempDir(), "rtmp-test-"+rand.Text()),
		made: make(map[string]string)}
	for name, file := range cfg.Files {
		name, _, _ = strings.Cut(name, "?")
		r.files[name] = file
	}
	return r
}

// find returns the path of a recording, or "" if there is none.
func (r *recordings) find(name string) (path string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	file, found := r.files[name]
	if path = r.made[name]; path != "" || !found {
		return path, nil
	}
	if file, err = r.shape.arrangeFile(file); err != nil {
		return "", err
	}
	path = "recording " + strconv.Itoa(len(r.made))
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(r.dir, path+".flv"), file, 0o600); err != nil {
		return "", err
	}
	r.made[name] = path
	return path, nil
}

func (r *recordings) remove() { os.RemoveAll(r.dir) }
