package swf

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

const (
	maxCacheFile = 1 << 20 // bytes, about 4,000 records; a larger file is not used
	maxCacheURL  = 2048    // bytes; a longer URL is not cached
)

// storeMu serializes the goroutines of this program that rewrite the cache. Other processes may still overwrite a record, which
// costs a download.
var storeMu sync.Mutex

// cachePath returns the path that Options.CacheFile stands for, or "" for no cache. Without a home directory librtmp uses the
// current directory. This package does not, since other users could write wrong hashes there.
func cachePath(option string) string {
	switch {
	case option == NoCache:
		return ""
	case option != "":
		return option
	}
	home := ""
	if runtime.GOOS == "windows" {
		home = os.Getenv("HOMEDRIVE") + os.Getenv("HOMEPATH") // librtmp's rule
	}
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".swfinfo")
}

// cache is librtmp's file of player hashes. Errors are of type *Error with PhaseCache.
type cache struct {
	path string // empty if there is no cache
}

func (c cache) lookup(url string) (record, error) {
	if c.path == "" {
		return record{}, nil
	}
	file, err := c.read()
	if err != nil {
		return record{}, err
	}
	return findRecord(file, url), nil
}

// store replaces the record of r's URL by r, and keeps the records of other URLs.
func (c cache) store(r record) error {
	if c.path == "" {
		return nil
	}
	if len(r.url) > maxCacheURL {
		return c.failed("URL longer than the limit, bytes", len(r.url), nil)
	}
	storeMu.Lock()
	defer storeMu.Unlock()
	file, err := c.read()
	if err != nil {
		return err
	}
	file = replaceRecord(file, r)
	if len(file) > maxCacheFile {
		return c.failed("no room, limit in bytes", maxCacheFile, nil)
	}
	if err := replaceFile(c.path, file); err != nil {
		return c.failed("", nil, err)
	}
	return nil
}

func (c cache) read() ([]byte, error) {
	f, err := openRegular(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, c.failed("", nil, err)
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, maxCacheFile+1))
	if err != nil {
		return nil, c.failed("", nil, err)
	}
	if len(file) > maxCacheFile {
		return nil, c.failed("file larger than the limit, bytes", maxCacheFile, nil)
	}
	return file, nil
}

func (c cache) failed(detail string, value any, err error) error {
	return &Error{Phase: PhaseCache, Source: c.path, Detail: detail, Value: value, Err: err}
}

// replaceFile replaces a file, or the target of a symbolic link, by renaming, so that readers never see half of it. The new
// file is readable by its owner only.
func replaceFile(path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
