package swf

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One mutation survives (see CONTRIBUTING.md): no test notices if replaceFile does not sync the file before renaming it.

func TestCachePath(t *testing.T) {
	assert.Empty(t, cachePath(NoCache))
	assert.Equal(t, "elsewhere", cachePath("elsewhere"))
	if runtime.GOOS == "windows" {
		t.Setenv("HOMEDRIVE", `C:`)
		t.Setenv("HOMEPATH", `\Users\me`)
		assert.Equal(t, `C:\Users\me\.swfinfo`, cachePath(""))
		return
	}
	t.Setenv("HOMEDRIVE", "/elsewhere") // has no meaning on this system
	t.Setenv("HOME", "/home/me")
	assert.Equal(t, "/home/me/.swfinfo", cachePath(""))
	t.Setenv("HOME", "")
	assert.Empty(t, cachePath(""), "the current directory must not be used")
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	c := cache{path: filepath.Join(dir, ".swfinfo")}
	first, second := goldenRecord(t, "http://h/1.swf"), goldenRecord(t, "http://h/2.swf")
	require.NoError(t, c.store(first))
	require.NoError(t, c.store(second))
	second.size++
	require.NoError(t, c.store(second))

	file, err := os.ReadFile(c.path)
	require.NoError(t, err)
	assert.Equal(t, string(second.appendTo(first.appendTo(nil))), string(file))
	got, err := c.lookup(second.url)
	require.NoError(t, err)
	assert.Equal(t, second, got)
	assertOnly(t, dir, ".swfinfo")
	assertPrivate(t, c.path)
}

// TestStoreMakesPrivate checks that librtmp's file, which all users can read, becomes private: it reveals what its owner has watched.
func TestStoreMakesPrivate(t *testing.T) {
	c := cache{path: filepath.Join(t.TempDir(), ".swfinfo")}
	golden := testdata(t, "rtmpdump.swfinfo")
	require.NoError(t, os.WriteFile(c.path, golden, 0o644))
	r := goldenRecord(t, "http://h/1.swf")
	require.NoError(t, c.store(r))
	assertPrivate(t, c.path)
	file, err := os.ReadFile(c.path)
	require.NoError(t, err)
	assert.Equal(t, string(r.appendTo(golden)), string(file))
}

func TestStoreFollowsSymbolicLink(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	if err := os.Symlink(file, link); err != nil {
		t.Skip("symbolic links can't be created:", err)
	}
	require.NoError(t, cache{path: link}.store(goldenRecord(t, goldenURL)))
	got, err := cache{path: file}.lookup(goldenURL)
	require.NoError(t, err)
	assert.Equal(t, goldenURL, got.url)
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink)
}

func TestStoreAtOnce(t *testing.T) {
	c := cache{path: filepath.Join(t.TempDir(), ".swfinfo")}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { assert.NoError(t, c.store(goldenRecord(t, fmt.Sprintf("http://h/%d.swf", i)))) })
	}
	wg.Wait()
	for i := range 8 {
		url := fmt.Sprintf("http://h/%d.swf", i)
		got, err := c.lookup(url)
		require.NoError(t, err)
		assert.Equal(t, url, got.url)
	}
}

// TestUnusableCache checks that the error for a file that can't be used as a cache contains its name, and that the file does not change.
func TestUnusableCache(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, data []byte) string {
		require.NoError(t, os.WriteFile(path(name), data, 0o600))
		return path(name)
	}
	full := bytes.Repeat([]byte("#"), maxCacheFile)
	small := goldenRecord(t, goldenURL)
	long := goldenRecord(t, "http://h/"+strings.Repeat("x", maxCacheURL))
	for name, test := range map[string]struct {
		path    string
		r       record
		lookups bool // reading works
		text    string
	}{
		"a directory":       {dir, small, false, "not a regular file"},
		"below a file":      {filepath.Join(write("file", nil), "x"), small, runtime.GOOS == "windows", ""}, // Windows reports this file as missing
		"no such directory": {path("none/x"), small, true, ""},
		"too large":         {write("large", append(full, '#')), small, false, "file larger than the limit, bytes: 1048576"},
		"full":              {write("full", full), small, true, "no room, limit in bytes: 1048576"},
		"an endless URL":    {path("long"), long, true, "URL longer than the limit, bytes: 2057"},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := os.ReadFile(test.path)
			r, err := cache{path: test.path}.lookup(test.r.url)
			assert.Zero(t, r)
			if test.lookups {
				assert.NoError(t, err)
			} else {
				assertCacheError(t, err, test.path, test.text)
			}
			err = cache{path: test.path}.store(test.r)
			assertCacheError(t, err, test.path, test.text)
			after, _ := os.ReadFile(test.path)
			assert.Equal(t, len(before), len(after))
		})
	}
	assertOnly(t, dir, "file", "full", "large")
}

func TestNoCache(t *testing.T) {
	t.Chdir(t.TempDir())
	c := cache{path: cachePath(NoCache)}
	require.NoError(t, c.store(goldenRecord(t, goldenURL)))
	r, err := c.lookup(goldenURL)
	require.NoError(t, err)
	assert.Zero(t, r)
	assertOnly(t, ".")
}

func assertCacheError(t *testing.T, err error, path, text string) {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, PhaseCache, e.Phase)
	assert.Equal(t, path, e.Source)
	assert.ErrorContains(t, err, text)
}

func assertPrivate(t *testing.T, path string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return // Windows has no such modes
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func assertOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	got := []string{}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	assert.ElementsMatch(t, names, got)
}

// TestFullCache checks that a cache file of the maximum size is stored, and that a larger one is an error.
func TestFullCache(t *testing.T) {
	c := cache{path: filepath.Join(t.TempDir(), ".swfinfo")}
	r := goldenRecord(t, "http://h/"+strings.Repeat("x", maxCacheURL-len("http://h/")))
	require.Len(t, r.url, maxCacheURL)
	size := len(r.appendTo(nil))
	full := append(bytes.Repeat([]byte("#"), maxCacheFile-size-1), '\n')
	require.NoError(t, os.WriteFile(c.path, full, 0o600))
	require.NoError(t, c.store(r))
	info, err := os.Stat(c.path)
	require.NoError(t, err)
	require.EqualValues(t, maxCacheFile, info.Size())
	got, err := c.lookup(r.url)
	require.NoError(t, err)
	require.Equal(t, r, got)

	require.NoError(t, os.WriteFile(c.path, append(full, '\n'), 0o600))
	require.ErrorContains(t, c.store(r), "no room")
}

// TestReplaceFileCleansUp checks that the temporary file is removed if it can't be renamed.
func TestReplaceFileCleansUp(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "taken", "inside"), 0o700))
	require.Error(t, replaceFile(filepath.Join(dir, "taken"), []byte("data")))
	assertOnly(t, dir, "taken")
}
