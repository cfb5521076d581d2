package vod

import (
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// usage knows how many bytes the files of a folder have.
type usage struct {
	grown     atomic.Int64 // by how much recordings have made it larger since it was opened
	found     atomic.Pointer[search]
	searching sync.Mutex
}

// search is what a search through the folder has found.
type search struct {
	ended time.Time
	bytes int64 // less what usage.grown was before
}

// searchEvery is how often a folder is searched at most: it may have many files, and other programs that write and remove them.
const searchEvery = 10 * time.Second

// add says that a recording has grown by n bytes.
func (u *usage) add(n int64) { u.grown.Add(n) }

// total returns how many bytes the files have. While one recording searches, the others go on with what was found before.
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

// treeSize returns how many bytes the files have that can be seen; what can't has a size as well, but nobody could free it.
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
