package vod

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// TestEndOfFile checks the position and the time at which recording continues in a file.
func TestEndOfFile(t *testing.T) {
	const max32 = 1<<32 - 1
	for name, c := range map[string]struct {
		tags  []flv.Tag
		last  uint32
		timed bool
	}{
		"no tags":                     {nil, 0, false},
		"one tag":                     {[]flv.Tag{key(40)}, 40, true},
		"times that go back":          {[]flv.Tag{key(0), inter(80), sound(77), inter(40)}, 80, true},
		"over 32 bits":                {[]flv.Tag{key(max32 - 9), inter(5), sound(max32)}, 5, true},
		"headers and data at the end": {[]flv.Tag{key(40), at(avc(1), 90), at(script(t, "onTextData", "x"), 99)}, 40, true},
		"headers alone":               {[]flv.Tag{at(avc(1), 90)}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			file := fileOf(c.tags...)
			for end, rest := range map[string][]byte{"whole": nil, "cut": flv.AppendTag(nil, inter(100))[:12]} {
				e, err := findEnd(bytes.NewReader(append(file, rest...)), int64(len(file)+len(rest)))
				require.NoError(t, err, end)
				require.Equal(t, int64(len(file)), e.at, end)
				require.Equal(t, c.timed, e.timed, end)
				require.Equal(t, c.last, e.last, end)
				require.Equal(t, flv.FileHeader{HasAudio: true, HasVideo: true}, e.has)
			}
		})
	}
}

// TestEndOfLongFile checks that only the last tags are read if the metadata shows that the file was closed. Otherwise all tags must be
// read.
func TestEndOfLongFile(t *testing.T) {
	var tags []flv.Tag
	for n := range uint32(2000) {
		tags = append(tags, big(n*40, 5000))
	}
	file := func(size float64) []byte {
		return fileOf(append([]flv.Tag{script(t, onMetaData, amf.ECMAArray{{Name: "filesize", Value: size}})}, tags...)...)
	}
	size := float64(len(file(0)))
	for name, c := range map[string]struct {
		file   []byte
		closed bool
	}{
		"closed":                {file(size), true},
		"not closed":            {file(0), false},
		"without the file size": {fileOf(tags...), false},
	} {
		f := &counted{ReaderAt: bytes.NewReader(c.file)}
		e, err := findEnd(f, int64(len(c.file)))
		require.NoError(t, err, name)
		require.Equal(t, int64(len(c.file)), e.at, name)
		require.Equal(t, uint32(1999*40), e.last, name)
		read := f.bytes.Load()
		require.Equal(t, c.closed, read < int64(len(c.file)/3), "%s: %d bytes of %d", name, read, len(c.file))
	}
}

// TestAppendAfterCutInHeaders checks that a file that was cut off before its first frame is treated like a new one.
func TestAppendAfterCutInHeaders(t *testing.T) {
	f, dir := newFolder(t, nil)
	path := filepath.Join(dir, "a.flv")
	content := record(t, f, dir, "a.flv", RecordOptions{}, avc(1), sound(0))
	frame := len(content) - len(fileOf(sound(0))) + flv.FileHeaderSize
	for cut := flv.FileHeaderSize; cut < frame; cut++ {
		require.NoError(t, os.WriteFile(path, content[:cut], 0o644))
		file := record(t, f, dir, "a.flv", RecordOptions{Append: true}, avc(2), key(7))
		tags := tagsOf(t, file)
		requireTotals(t, file, tags)
		require.Equal(t, []flv.Tag{avc(2), key(0)}, tags[1:], cut)
	}
}

// TestAppendToEmptyFiles checks that a file with only a file header can be appended to. If the file header is not of the usual size, no
// metadata is written.
func TestAppendToEmptyFiles(t *testing.T) {
	long := append([]byte("FLV\x01\x05\x00\x00\x00\x20"), make([]byte, 32-9+flv.PreviousTagSizeLen)...)
	for name, c := range map[string]struct {
		content []byte
		tags    int
		err     error
	}{
		"nothing":                 {nil, 2, nil},
		"a header":                {fileOf(), 2, nil},
		"a header for audio":      {flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true}), 2, nil},
		"a part of a header":      {fileOf()[:9], 2, nil},
		"a long header":           {long, 1, nil},
		"a part of a long header": {long[:19], 0, ErrNotFLV},
		"a long header, cut":      {long[:len(long)-1], 0, ErrNotFLV},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := newFolder(t, map[string][]byte{"a.flv": c.content})
			if c.err != nil {
				_, err := f.Record("a.flv", RecordOptions{Append: true})
				require.ErrorIs(t, err, c.err)
				return
			}
			file := record(t, f, dir, "a.flv", RecordOptions{Append: true}, key(7))
			tags := tagsOf(t, file)
			require.Len(t, tags, c.tags)
			require.Equal(t, key(0), tags[len(tags)-1])
			h, _, err := flv.ParseFileHeader(file)
			require.NoError(t, err)
			require.True(t, h.HasVideo)
		})
	}
}

// TestNumbersInMetadata checks that the position of a number is found only if all its bytes are there.
func TestNumbersInMetadata(t *testing.T) {
	body := append([]byte("\x00\x08filesize\x00"), number(math.Pi)...)
	require.Equal(t, [len(finalProperties)]int64{filesize: 11}, findNumbers(append(bytes.Clone(body), "more"...)))
	require.Equal(t, [len(finalProperties)]int64{filesize: 12}, findNumbers(append([]byte{3}, body...)))
	require.Zero(t, findNumbers(body[:len(body)-1]))
	require.Zero(t, findNumbers([]byte("\x00\x08filesize\x02\x00\x06string")))
}
