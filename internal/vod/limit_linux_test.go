package vod

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const locksOtherProcesses = true

// limitVariable is an environment variable that limits the size of the child's files, in bytes.
const limitVariable = "VOD_TEST_LIMIT"

func setFileLimit() error {
	n, err := strconv.ParseUint(os.Getenv(limitVariable), 10, 64)
	if err != nil {
		return err
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n})
}

// TestFullDisk simulates a full disk with a limit on the size of files that the
// child process can write.
func TestFullDisk(t *testing.T) {
	for _, limit := range []int{5, 13, 100, 4096, 300_000, 1 << 20} {
		f, dir := newFolder(t, nil)
		cmd := child(t, "fill", dir)
		cmd.Env = append(cmd.Env, limitVariable+"="+strconv.Itoa(limit))
		require.NoError(t, cmd.Run(), limit)
		if limit < 13 { // the file header does not fit
			require.NoFileExists(t, filepath.Join(dir, "a.flv"))
		}
		if limit < 4096 {
			continue // not even one tag was written
		}
		content, err := os.ReadFile(filepath.Join(dir, "a.flv"))
		require.NoError(t, err)
		require.LessOrEqual(t, len(content), limit)
		require.Greater(t, len(content), limit-8000)
		tags := tagsOf(t, content)
		requireTotals(t, content, tags)
		r, err := f.Record("a.flv", RecordOptions{Append: true})
		require.NoError(t, err)
		require.NoError(t, r.Close())
	}
}

// TestReplacedOnAFullDisk checks that an earlier recording is kept if not even the beginning of the one that replaces it can be written.
func TestReplacedOnAFullDisk(t *testing.T) {
	old := fileOf(key(0), inter(40))
	_, dir := newFolder(t, map[string][]byte{"a.flv": old})
	cmd := child(t, "replace", dir)
	cmd.Env = append(cmd.Env, limitVariable+"=5")
	require.NoError(t, cmd.Run())
	require.Equal(t, old, readFile(t, filepath.Join(dir, "a.flv")))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}
