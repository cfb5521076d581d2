package vod

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// maxCached is how many indexes a Folder keeps.
const maxCached = 64

// cache keeps the indexes of the files that were used last. A file is scanned by one goroutine at a time; the others wait.
type cache struct {
	mu    sync.Mutex
	files []*cached // the one used last is the last
}

// cached is the index of the file that was found under a name.
type cached struct {
	name  string
	turn  chan struct{} // has room for one: who may use what follows
	info  fs.FileInfo   // of the file when index was made
	index *index        // nil: none yet
}

// get returns the index of a file, making it or adding what has come to the file since.
func (c *cache) get(ctx context.Context, name string, file *os.File) (*index, error) {
	return c.use(ctx, name, func(e *cached) error { return e.update(ctx, file) })
}

// rebuild makes the index anew, after it turned out to be wrong, without what the file's metadata says.
func (c *cache) rebuild(ctx context.Context, name string, file *os.File) (*index, error) {
	return c.use(ctx, name, func(e *cached) error { return e.build(ctx, file, false) })
}

// use calls f with the entry of a name while no other caller has it, and returns its index.
func (c *cache) use(ctx context.Context, name string, f func(*cached) error) (*index, error) {
	e := c.entry(name)
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-e.turn }()
	if err := f(e); err != nil {
		return nil, err
	}
	return e.index, nil
}

// entry returns the entry of a name, in the place of the one that was used longest ago if there are too many.
func (c *cache) entry(name string) *cached {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &cached{name: name, turn: make(chan struct{}, 1)}
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
