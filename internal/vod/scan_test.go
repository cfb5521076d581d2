package vod

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

// TestCutFiles truncates a file at every byte. It checks which tags are found, and the error at the end. A tag must be found if only its
// PreviousTagSize is missing.
func TestCutFiles(t *testing.T) {
	file := fileOf(key(0), inter(40))
	first := int64(len(fileOf(key(0))))
	for size := first; size <= int64(len(file)); size++ {
		wantTags, wantMissing, wantWhole := 1, int64(len(file))-size, first
		switch cut := size - first; {
		case cut == 0:
			wantMissing = 0
		case cut < flv.TagHeaderSize:
			wantMissing = flv.TagOverhead - cut // the size of the body is not known
		case wantMissing <= flv.PreviousTagSizeLen:
			wantTags = 2
			if wantMissing == 0 {
				wantWhole = size
			}
			wantMissing = 0
		}
		s, err := newScanner(bytes.NewReader(file[:size]), size)
		require.NoError(t, err)
		var h head
		tags := 0
		for s.next(&h) {
			tags++
		}
		require.Equal(t, wantTags, tags, size)
		require.Equal(t, wantWhole, s.whole, size)
		f, _ := newFolder(t, map[string][]byte{"a.flv": file[:size]})
		played, playErr := drain(t, play(t, f, "a.flv", all))
		require.Len(t, played, wantTags, size)
		if missing := int64(len(file)) - size; missing > 0 && wantTags == 2 { // only a part of the last PreviousTagSize is missing
			var e *flv.Error
			require.ErrorAs(t, playErr, &e)
			require.Equal(t, int64(len(file)-flv.PreviousTagSizeLen), e.Offset, size)
			require.Equal(t, missing, e.Value, size)
		}
		if wantMissing == 0 {
			require.NoError(t, s.err, size)
			continue
		}
		for _, err := range []error{s.err, playErr} {
			var e *flv.Error
			require.ErrorAs(t, err, &e, size)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, size)
			require.Equal(t, first, e.Offset, size)
			require.Equal(t, wantMissing, e.Value, size)
		}
	}
}

// TestCutAfterAnEmptyTag checks that a tag without a body is found at the end of a file that lacks its PreviousTagSize.
func TestCutAfterAnEmptyTag(t *testing.T) {
	file := fileOf(key(0), videoTag(40))
	file = file[:len(file)-flv.PreviousTagSizeLen]
	require.Equal(t, int64(40), indexOf(t, file, false).last)
	f, _ := newFolder(t, map[string][]byte{"a.flv": file})
	tags, err := drain(t, play(t, f, "a.flv", all))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, []flv.Tag{key(0), {Type: flv.TagVideo, Timestamp: 40, Body: []byte{}}}, tags)
}

// TestScanReadsOnce checks that a scan of small tags reads few bytes more than once.
func TestScanReadsOnce(t *testing.T) {
	file := fileOf()
	for n := range uint32(5000) {
		file = flv.AppendTag(file, sound(n))
	}
	c := &counted{ReaderAt: bytes.NewReader(file)}
	_, err := buildIndex(t.Context(), c, int64(len(file)), false)
	require.NoError(t, err)
	require.Less(t, c.bytes.Load(), int64(len(file)*11/10))
}

// broken is a file whose reads fail after some that succeed.
type broken struct {
	io.ReaderAt
	good int // number of reads that succeed
}

var errBroken = errors.New("broken disk")

func (b *broken) ReadAt(p []byte, at int64) (int, error) {
	if b.good--; b.good < 0 {
		return 0, errBroken
	}
	return b.ReaderAt.ReadAt(p, at)
}

// TestBrokenFiles checks that each read error is returned, and not taken for the end of the file or for damage.
func TestBrokenFiles(t *testing.T) {
	rest := []flv.Tag{avc(1)}
	for n := range uint32(20) {
		rest = append(rest, big(n*100, 5000))
		rest[len(rest)-1].Body[0] = 0x17
	}
	file := withKeyFrames(t, rest, same)
	size := int64(len(file))
	thin := indexOf(t, file, false)
	thin.thin()
	for name, read := range map[string]func(file io.ReaderAt) error{
		"scan":          func(file io.ReaderAt) error { _, err := buildIndex(t.Context(), file, size, false); return err },
		"key frames":    func(file io.ReaderAt) error { _, err := buildIndex(t.Context(), file, size, true); return err },
		"seek":          func(file io.ReaderAt) error { _, err := thin.seek(t.Context(), file, 1100); return err },
		"end":           func(file io.ReaderAt) error { _, err := findEnd(file, size); return err },
		"end, cut":      func(file io.ReaderAt) error { _, err := findEnd(file, size-7); return err },
		"end of header": func(file io.ReaderAt) error { _, err := findEnd(file, flv.FileHeaderSize-1); return err },
	} {
		t.Run(name, func(t *testing.T) {
			err := errBroken
			good := 0
			for ; err != nil; good++ {
				require.Less(t, good, 1000)
				err = read(&broken{bytes.NewReader(file), good})
				if err != nil {
					require.ErrorIs(t, err, errBroken, good)
				}
			}
			require.Greater(t, good, 1)
		})
	}
}
