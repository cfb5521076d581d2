package vod

import (
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// usage tracks the total size of a folder's files.
type usage struct {
	grown     atomic.Int64 // number of bytes that recordings have written since the folder was opened
	found     atomic.Pointer[search]
	searching sync.Mutex
}

// search is the result of a search through the folder.
type search struct {
	ended time.Time
	bytes int64 // total size of the files, minus the value of usage.grown before the search
}

// searchEvery is the minimum time between two searches of a folder, which may have many files. A search notices changes by other programs.
const searchEvery = 10 * time.Second

// add adds n bytes that a recording has written.
func (u *usage) add(n int64) { u.grown.Add(n) }

// total returns the total size of the files in bytes. While one recording searches the folder, others use the result of the previous
// search.
func (u *usage) total(root *os.Root) int64 {
	s := u.found.Load()
	switch {
	case s == nil:
		u.searching.Lock()
	case time.Since(s.ended) < searchEvery || !u.searching.TryLock():
		return s.bytes + u.grown.Load()
	}
	defer u.searching.Unlock()
	if newer := u.found.Load(); newer != s {
		s = newer
	} else {
		before := u.grown.Load()
		s = &search{bytes: treeSize(root) - before, ended: time.Now()}
		u.found.Store(s)
	}
	return s.bytes + u.grown.Load()
}

// treeSize returns the total size of the files that can be accessed.
func treeSize(root *os.Root) (bytes int64) {
	fs.WalkDir(root.FS(), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
