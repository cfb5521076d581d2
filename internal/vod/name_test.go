package vod

import (
	"context"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNames(t *testing.T) {
	long := strings.Repeat("x", maxElement-len(extension))
	for _, name := range []string{
		"a.flv", "live/room 1/täglich.flv", "a-2.flv", "console.flv", "com10.flv", "nul1.flv", "a..b.flv", "...a"[3:] + ".flv", long + ".flv",
		strings.Repeat("d/", maxElements-1) + "a.flv", "$x/~/%2e.flv", "a.flv.flv",
	} {
		assert.NoError(t, CheckName(name), "%q", name)
	}
	for _, name := range []string{
		"", "a", ".flv", "a.mp4", "a.FLV", "a.flv ", "a.flv/", "/a.flv", "//a.flv", "a//b.flv", "../a.flv", "a/../b.flv", "./a.flv", "a/./b.flv", "..flv",
		".a.flv", ".ssh/a.flv", "a\x00.flv", "a.flv\x00", "a\\b.flv", `..\a.flv`, "c:a.flv", "a.flv:stream.flv", "a\n.flv", "a\x1b[2J.flv", "a\x7f.flv",
		"a\u0085.flv", "a\xff.flv", "con.flv", "CON.flv", "nul.x.flv", "aux /b.flv", "aux/b.flv", "com1.flv", "Lpt9.flv", "com¹.flv", "conin$.flv", "x./a.flv", "x /a.flv",
		`a".flv`, "a*.flv", "a?.flv", "<a>.flv", "a|b.flv", long + "x.flv", strings.Repeat("d/", maxElements) + "a.flv",
	} {
		assert.ErrorIs(t, CheckName(name), ErrBadName, "%q", name)
	}
}

func TestHostileNamesTouchNothing(t *testing.T) {
	f, dir := newFolder(t, map[string][]byte{"in/a.flv": fileOf(key(0))})
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret.flv")
	require.NoError(t, os.WriteFile(secret, fileOf(key(0)), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.flv"), 0o755))
	names := []string{"../secret.flv", "in/../../x.flv", "folder.flv", "in/a.flv/b.flv", strings.Repeat("d/", 31) + strings.Repeat("x", 251) + ".flv.flv"}
	if runtime.GOOS != "windows" { // on Windows, creating links needs privileges
		require.NoError(t, os.Symlink(secret, filepath.Join(dir, "link.flv")))
		require.NoError(t, os.Symlink(outside, filepath.Join(dir, "dir")))
		require.NoError(t, os.Symlink(filepath.Join(outside, "new.flv"), filepath.Join(dir, "dangling.flv")))
		require.NoError(t, os.Symlink("loop.flv", filepath.Join(dir, "loop.flv")))
		names = append(names, "link.flv", "dir/secret.flv", "dir/new.flv", "dangling.flv", "loop.flv")
	}
	for _, name := range names {
		_, err := f.Play(context.Background(), name, all)
		var e *Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, name, e.Name)
		require.NotContains(t, err.Error(), dir)
		_, err = f.Record(name, RecordOptions{})
		require.ErrorAs(t, err, &e, name)
		require.Empty(t, e.Name, "a publishing name is a key")
		require.NotContains(t, err.Error(), strings.TrimSuffix(name, extension))
		_, err = f.Duration(context.Background(), name)
		require.ErrorAs(t, err, &e, name)
	}
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	content, err := os.ReadFile(secret)
	require.NoError(t, err)
	require.Equal(t, fileOf(key(0)), content)
}

func TestLinksInsideTheFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there")
	}
	f, dir := newFolder(t, map[string][]byte{"in/a.flv": fileOf(key(0))})
	require.NoError(t, os.Symlink("in/a.flv", filepath.Join(dir, "b.flv")))
	tags, _ := drain(t, play(t, f, "b.flv", all))
	require.Len(t, tags, 1)
}

func TestFilesThatCantBePlayed(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"empty.flv": nil, "text.flv": []byte("#EXTM3U and so on"), "short.flv": []byte("FLV"), "a.flv": fileOf(key(0))})
	for name, want := range map[string]error{
		"no.flv": fs.ErrNotExist, "no/no.flv": fs.ErrNotExist, "a.flv/no.flv": fs.ErrNotExist, "a": ErrBadName,
		"empty.flv": ErrNotFLV, "text.flv": ErrNotFLV, "short.flv": ErrNotFLV,
	} {
		_, err := f.Play(context.Background(), name, all)
		require.ErrorIs(t, err, want, name)
		_, err = f.Duration(context.Background(), name)
		require.ErrorIs(t, err, want, name)
	}
	_, err := f.Play(context.Background(), "no.flv", all)
	require.EqualError(t, err, `rtmp: play no.flv: file does not exist`)
	_, err = f.Record("../key.flv", RecordOptions{})
	require.EqualError(t, err, `rtmp: record: invalid file name`)
	_, err = f.Play(context.Background(), strings.Repeat("\x1b", 300), all)
	require.Less(t, len(err.Error()), 1200)
	require.NotContains(t, err.Error(), "\x1b")
}

// TestUnusedNumber checks that the next number is found with few checks, and that it is the first one if there are no gaps.
func TestUnusedNumber(t *testing.T) {
	for _, inUse := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 1000, 1 << 20} {
		checks := 0
		n := unused(1, func(n int) bool { checks++; return n <= inUse })
		assert.Equal(t, inUse+1, n)
		assert.LessOrEqual(t, checks, 42, "of %d", inUse)
	}
	assert.Equal(t, 7, unused(6, func(n int) bool { return n <= 6 }))
	gap := unused(1, func(n int) bool { return n != 50 && n <= 100 })
	assert.Contains(t, []int{50, 101}, gap)
	planted := unused(1, func(n int) bool { return n < 1<<29 || bits.OnesCount(uint(n-1)) == 1 }) // as a client can, that publishes 30 streams
	assert.Less(t, planted, maxNumber)
	assert.Equal(t, maxNumber, unused(1, func(int) bool { return true }))
}
