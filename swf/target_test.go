package swf

import (
	"io/fs"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFiles(t *testing.T) {
	relative := filepath.Join("testdata", "player.cws")
	absolute, err := filepath.Abs(relative)
	require.NoError(t, err)
	slashed := filepath.ToSlash(absolute)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	escaped := (&url.URL{Path: slashed}).EscapedPath()
	cacheFile := filepath.Join(t.TempDir(), "cache")
	for _, source := range []string{
		relative, absolute, "file://" + escaped, "file://localhost" + escaped, "FILE:" + escaped, strings.Replace("file://"+escaped, "player", "%70layer", 1),
	} {
		requireHash(t, source, &Options{CacheFile: cacheFile}, playerHash)
	}
	assert.NoFileExists(t, cacheFile, "reading the file is as quick as reading the cache")

	_, _, err = Hash(t.Context(), relative, &Options{MaxSize: playerSize - 1})
	assert.ErrorIs(t, err, ErrTooLarge)
	assert.ErrorContains(t, err, "swf: unpack: "+relative)
	_, _, err = Hash(t.Context(), filepath.Join("testdata", "none.swf"), nil)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, _, err = Hash(t.Context(), "testdata", nil)
	assert.EqualError(t, err, "swf: fetch: testdata: not a regular file")
}

func TestFilePathOfThisSystem(t *testing.T) {
	path, ok := filePath("file:///C:/p.swf")
	require.True(t, ok)
	if runtime.GOOS == "windows" {
		assert.Equal(t, `C:\p.swf`, path)
	} else {
		assert.Equal(t, "/C:/p.swf", path)
	}
}

func TestDrivePath(t *testing.T) {
	for path, want := range map[string]string{
		"/C:/p.swf": "C:/p.swf",
		"/C:":       "C:",
		"/p.swf":    "/p.swf",
		"/p":        "/p",
		"/":         "/",
	} {
		assert.Equal(t, want, drivePath(path))
	}
}

func TestBadURLs(t *testing.T) {
	for raw, text := range map[string]string{
		"":                            "no URL",
		"http://":                     "not a valid URL",
		"http:player.swf":             "not a valid URL",
		"http:///player.swf":          "not a valid URL",
		"http://u:s/ecret@h/p.swf":    "not a valid URL",
		"http://h/%secret":            "not a valid URL",
		"http://h/p.swf\nsize: secre": "not a valid URL",
		"rtmp://h/secret":             "unknown scheme",
		"://secret":                   "unknown scheme",
		"file://":                     "not a file URL",
		"file://secret/share/p.swf":   "not a file URL",
		"file:///%secret":             "not a file URL",
	} {
		_, _, err := Hash(t.Context(), raw, &Options{CacheFile: NoCache})
		var e *Error
		require.ErrorAs(t, err, &e, raw)
		assert.Equal(t, PhaseFetch, e.Phase)
		assert.ErrorContains(t, err, text)
		assert.NotContains(t, err.Error(), "secre")
	}
}

func TestPublicName(t *testing.T) {
	for raw, want := range map[string]string{
		"http://h/p.swf":                   "http://h/p.swf",
		"http://h:8080/a/p.swf?x=/y#z":     "http://h:8080/a/p.swf",
		"HTTPS://u:p@h/p.swf#f?x":          "HTTPS://h/p.swf",
		"http://u@h?x=/@y":                 "http://h",
		"http://h/a@b/p.swf":               "http://h/a@b/p.swf",
		"http://u:p@[::1]:80/":             "http://[::1]:80/",
		"http://h/ends in a space.swf ?x=": "http://h/ends in a space.swf ",
	} {
		assert.Equal(t, want, publicName(raw))
		u, err := url.Parse(raw)
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(want[strings.Index(want, "://")+3:], u.Host), "net/url uses the host of the public name")
	}
}
