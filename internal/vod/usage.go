package vod

import (
	"io/fs"
	"os"
	"sync"
	"time"
)

// usage knows how many bytes the files of a folder have.
type usage struct {
	mu    sync.Mutex
	known time.Time // when the folder was searched; zero: never
	bytes int64     // what was found, and what recordings have added since
}

// searchEvery is how often a folder is searched at most: it may have many files, and other programs that write and remove them.
const searchEvery = 10 * time.Second

// total returns how many bytes the files have.
func (u *usage) total(root *os.Root) (int64, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now := time.Now(); u.known.IsZero() || now.Sub(u.known) >= searchEvery {
		bytes, err := treeSize(root)
		if err != nil {
			return 0, err
		}
		u.bytes, u.known = bytes, now
	}
	return u.bytes, nil
}

// add says that a recording has grown by n bytes.
func (u *usage) add(n int64) {
	u.mu.Lock()
	u.bytes += n
	u.mu.Unlock()
}

func treeSize(root *os.Root) (bytes int64, err error) {
	err = fs.WalkDir(root.FS(), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // removed meanwhile, or not to be read, which does not make it any smaller
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes, err
}
