package download

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
)

// TestFailedWriteKeepsWholeTags checks that after a partial write the file ends with a whole tag, and that only the tags in the file are
// counted.
func TestFailedWriteKeepsWholeTags(t *testing.T) {
	all := sample(t)[:12]
	var raw []byte // the tags as a player writes them
	for _, tag := range all {
		raw = flv.AppendTag(raw, tag)
	}
	for _, asItCame := range []bool{false, true} {
		for n := 0; n < flv.FileHeaderSize+len(raw); n += 31 {
			path := filepath.Join(t.TempDir(), "out.flv")
			o, err := createOutput(path, 0)
			require.NoError(t, err)
			o.w = &shortFile{o.file, n}
			in := intake{download: &download{out: o, target: &target{}}, player: &fakePlayer{}}
			if asItCame {
				_, err = in.Write(raw)
			} else {
				for _, tag := range all {
					require.NoError(t, o.write(tag, nil))
				}
				err = o.finish()
			}
			require.True(t, isWrite(err), "%v", err)
			require.NoError(t, o.close())
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.EqualValues(t, len(got), o.tail.end)
			assert.LessOrEqual(t, len(got), n)
			tags := 0
			if len(got) > 0 {
				tags = len(rtmptest.Tags(t, got))
			}
			assert.EqualValues(t, tags, o.audio+o.video+o.data)
			if tags < len(all) {
				assert.Greater(t, len(got)+len(all[tags].Body)+flv.TagOverhead+flv.FileHeaderSize, n, "no whole tag is cut off")
			}
		}
	}
}

type shortFile struct {
	file *os.File
	left int
}

func (f *shortFile) Write(b []byte) (int, error) {
	n, err := f.file.Write(b[:min(len(b), f.left)])
	if f.left -= n; err == nil && n < len(b) {
		err = errBroken
	}
	return n, err
}

// TestWritesAreFew checks that tags whose timestamps need no change are written without copying, in one write for each contiguous piece of
// memory.
func TestWritesAreFew(t *testing.T) {
	all := sample(t)
	raw := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for _, tag := range all {
		raw = flv.AppendTag(raw, tag)
	}
	var w countingWriter
	in := intake{download: &download{out: newOutput(&w, 0), target: &target{}}, player: &fakePlayer{}}
	_, err := in.Write(raw)
	require.NoError(t, err)
	assert.Equal(t, 2, w.writes, "one write for the file header and the tags that waited for it, one for the others")
	assert.Equal(t, rtmptest.File(all...), w.bytes)
	in.shifts = shifts{5, 5, 5}
	_, err = in.Write(raw)
	require.NoError(t, err)
	assert.Equal(t, 3, w.writes, "gathered")
}

type countingWriter struct {
	writes int
	bytes  []byte
}

func (w *countingWriter) Write(b []byte) (int, error) {
	w.writes++
	w.bytes = append(w.bytes, b...)
	return len(b), nil
}

// TestRemovesOnlyItsOwnFile checks that a download that has written nothing removes the file that it has created, but neither a symbolic
// link nor a file that another program has put in its place.
func TestRemovesOnlyItsOwnFile(t *testing.T) {
	var path string
	nothing := func(t *testing.T, meanwhile func()) {
		o, err := createOutput(path, 0)
		require.NoError(t, err)
		meanwhile()
		require.NoError(t, o.close())
		o.removeCreated()
	}
	for name, test := range map[string]func(t *testing.T){
		"created": func(t *testing.T) {
			nothing(t, func() {})
			assert.NoFileExists(t, path)
		},
		"there before": func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, nil, 0o666))
			nothing(t, func() {})
			assert.FileExists(t, path)
		},
		"replaced": func(t *testing.T) {
			other := filepath.Join(t.TempDir(), "other.flv")
			require.NoError(t, os.WriteFile(other, nil, 0o666))
			nothing(t, func() { require.NoError(t, os.Rename(other, path)) })
			assert.FileExists(t, path)
		},
		"written by another program": func(t *testing.T) {
			nothing(t, func() { require.NoError(t, os.WriteFile(path, []byte("FLV"), 0o666)) })
			assert.FileExists(t, path)
		},
		"link": func(t *testing.T) {
			there := filepath.Join(t.TempDir(), "there.flv")
			require.NoError(t, os.Symlink(there, path))
			nothing(t, func() { assert.FileExists(t, there) })
			assert.NoFileExists(t, there)
			_, err := os.Lstat(path)
			assert.NoError(t, err, "the link stays")
		},
	} {
		path = filepath.Join(t.TempDir(), "out.flv")
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && name != "created" && name != "there before" {
				t.Skip("an open file can't be replaced, and links need privileges")
			}
			test(t)
		})
	}
}
