package vod

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// maxCached is the number of indexes that a Folder keeps.
const maxCached = 64

// cache keeps the indexes of the most recently used files. Only one goroutine at a time scans a file, and the others wait for it.
type cache struct {
	mu    sync.Mutex
	files []*cached // in order of use, the most recent last
}

// cached is the index of the file with a name.
type cached struct {
	name  string
	lock  chan struct{} // a lock: only the goroutine that has sent to it may use the fields below, until it receives from it
	info  fs.FileInfo   // describes the file at the time at which index was made
	index *index        // nil if it has not been made yet
}

// get returns the index of a file. It makes the index, or extends it if the file has grown.
func (c *cache) get(ctx context.Context, name string, file *os.File) (*index, error) {
	return c.use(ctx, name, func(e *cached) error { return e.update(ctx, file) })
}

// rebuild makes a new index after the old one has turned out to be wrong. It ignores the list of key frames in the file's metadata.
func (c *cache) rebuild(ctx context.Context, name string, file *os.File) (*index, error) {
	return c.use(ctx, name, func(e *cached) error { return e.build(ctx, file, false) })
}

// use calls f with the entry for a name, and returns the entry's index. No other goroutine uses the entry meanwhile.
func (c *cache) use(ctx context.Context, name string, f func(*cached) error) (*index, error) {
	e := c.entry(name)
	select {
	case e.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-e.lock }()
	if err := f(e); err != nil {
		return nil, err
	}
	return e.index, nil
}

// entry returns the entry for a name. If there is none, it adds one; if there are already maxCached entries, it first removes the least
// recently used one.
func (c *cache) entry(name string) *cached {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &cached{name: name, lock: make(chan struct{}, 1)}
	if i := slices.IndexFunc(c.files, func(e *cached) bool { return e.name == name }); i >= 0 {
		e = c.files[i]
		c.files = slices.Delete(c.files, i, i+1)
	}
	if len(c.files) >= maxCached {
		c.files = slices.Delete(c.files, 0, 1)
	}
	c.files = append(c.files, e)
	return e
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files = nil
}

func (e *cached) update(ctx context.Context, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if e.index == nil || !os.SameFile(info, e.info) || info.Size() < e.info.Size() {
		return e.build(ctx, file, true)
	}
	if info.Size() == e.info.Size() && info.ModTime().Equal(e.info.ModTime()) {
		return nil
	}
	x, err := e.index.extended(ctx, file, info.Size())
	if errors.Is(err, errStale) {
		return e.build(ctx, file, true)
	}
	return e.keep(x, info, err)
}

func (e *cached) build(ctx context.Context, file *os.File, trust bool) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	x, err := buildIndex(ctx, file, info.Size(), trust)
	return e.keep(x, info, err)
}

func (e *cached) keep(x *index, info fs.FileInfo, err error) error {
	if err == nil {
		e.index, e.info = x, info
	}
	return err
}
