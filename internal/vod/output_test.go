package vod

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// TestFileEndsWithAWholeTag checks that the tags of each Write are in the file when Write returns, so that nothing is lost if the process
// is killed.
func TestFileEndsWithAWholeTag(t *testing.T) {
	f, dir := newFolder(t, nil)
	r, err := f.Record("a.flv", RecordOptions{})
	require.NoError(t, err)
	for n := range uint32(20) {
		require.NoError(t, r.WriteTag(big(n, 9000)))
		require.Len(t, tagsOf(t, readFile(t, filepath.Join(dir, "a.flv"))), 1+int(n+1))
	}
	require.NoError(t, r.Close())
}

// TestFileOfAFullDisk simulates a Write of which only a part has reached the file. The file must end after the last whole tag, and its
// metadata and the folder's size must fit.
func TestFileOfAFullDisk(t *testing.T) {
	errFull := errors.New("the disk is full")
	one, two := big(40, 500), big(80, 500)
	one.Body[4], two.Body[4] = 120, 120 // the composition time in ms
	f, dir := newFolder(t, nil)
	require.Zero(t, f.usage.total(f.root))
	r, err := f.Record("a.flv", RecordOptions{})
	require.NoError(t, err)
	require.NoError(t, r.WriteTag(key(0)))
	_, err = r.out.file.Write(append(flv.AppendTag(nil, one), flv.AppendTag(nil, two)[:20]...))
	require.NoError(t, err)
	r.out.queue.err = errFull
	require.ErrorIs(t, r.Write(Recorded{Tag: one}, Recorded{Tag: two}), errFull)
	require.ErrorIs(t, r.Close(), errFull)

	file := readFile(t, filepath.Join(dir, "a.flv"))
	tags := tagsOf(t, file)
	require.Equal(t, []flv.Tag{key(0), one}, tags[1:])
	require.Equal(t, amf.ECMAArray{{Name: "duration", Value: 0.16}, {Name: "filesize", Value: float64(len(file))}, {Name: "lasttimestamp", Value: 0.04}},
		metadata(t, tags[0]))
	require.Equal(t, int64(len(file)), f.usage.total(f.root))
}

// TestDurationOfAFullDisk checks that the duration extends to the end of the last picture, even if nothing of the last Write has reached
// the file.
func TestDurationOfAFullDisk(t *testing.T) {
	f, dir := newFolder(t, nil)
	r, err := f.Record("a.flv", RecordOptions{})
	require.NoError(t, err)
	delayed := big(40, 500)
	delayed.Body[4] = 120 // the composition time in ms
	require.NoError(t, r.Write(Recorded{Tag: key(0)}, Recorded{Tag: delayed}))
	r.out.queue.err = errors.New("the disk is full")
	require.Error(t, r.WriteTag(inter(80)))
	duration, _ := metadata(t, tagsOf(t, readFile(t, filepath.Join(dir, "a.flv")))[0]).Get("duration")
	require.Equal(t, 0.16, duration)
}
