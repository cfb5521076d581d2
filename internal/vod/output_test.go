package vod

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

// TestFileEndsWithAWholeTag checks that what is in the file while it is recorded ends with a whole tag, so that little is lost if the
// process is killed.
func TestFileEndsWithAWholeTag(t *testing.T) {
	f, dir := newFolder(t, nil)
	r, err := f.Record("a.flv", RecordOptions{})
	require.NoError(t, err)
	written := 0
	for n := range uint32(40) {
		require.NoError(t, r.WriteTag(big(n, 9000)))
		file := readFile(t, filepath.Join(dir, "a.flv"))
		written = len(tagsOf(t, file))
	}
	require.NoError(t, r.Close())
	require.InDelta(t, 37, written, 3)
}

// fullDisk is a Writer that accepts a number of bytes.
type fullDisk struct {
	io.Writer
	left int
}

var errFullDisk = errors.New("the disk is full")

func (d *fullDisk) Write(b []byte) (int, error) {
	n, err := d.Writer.Write(b[:min(len(b), d.left)])
	d.left -= n
	if n < len(b) && err == nil {
		err = errFullDisk
	}
	return n, err
}

// TestFileOfAFullDisk checks that a file that could not be written completely ends after the last whole tag, and that its metadata and the
// folder's size say so.
func TestFileOfAFullDisk(t *testing.T) {
	for _, room := range []int{1000, 70_000, 200_000} {
		f, dir := newFolder(t, nil)
		require.Zero(t, f.usage.total(f.root))
		r, err := f.Record("a.flv", RecordOptions{})
		require.NoError(t, err)
		r.out.w.Reset(&fullDisk{r.out.file, room})
		require.NoError(t, r.WriteTag(key(0)))
		for n := uint32(1); err == nil; n++ {
			tag := big(n*40, 500)
			tag.Body[4] = 120 // the composition time in ms
			if err = r.WriteTag(tag); err == nil && n%50 == 0 {
				err = r.locked(r.out.flush)
			}
			require.Less(t, n, uint32(2000))
		}
		require.ErrorIs(t, errors.Join(err, r.Close()), errFullDisk)
		file := readFile(t, filepath.Join(dir, "a.flv"))
		tags := tagsOf(t, file)
		last := float64(tags[len(tags)-1].Timestamp)
		m := metadata(t, tags[0])
		duration, _ := m.Get("duration")
		require.Equal(t, (last+120)/1000, duration)
		size, _ := m.Get("filesize")
		require.Equal(t, float64(len(file)), size)
		require.Equal(t, int64(len(file)), f.usage.total(f.root))
		require.Greater(t, len(file), flv.FileHeaderSize+room-600)
		require.True(t, bytes.HasPrefix(file, []byte("FLV\x01\x01")), "video alone")
	}
}
