package vod

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

// seeds adds valid, truncated and invalid files to the corpus.
func seeds(f *testing.F) {
	small := fileOf(script(f, "onMetaData"), avc(1), aac(1), sound(0), key(0), inter(40), key(80))
	list := withKeyFrames(f, []flv.Tag{avc(1), key(0), inter(40), key(80), inter(120), key(160)}, same)
	for _, file := range [][]byte{
		nil, []byte("FLV"), small[:9], small[:13], small, small[:len(small)-1], small[:len(small)-6], small[:len(small)-20], list, list[:len(list)-30],
		append(bytes.Clone(small), make([]byte, 40)...), append(bytes.Clone(small), small...), append(bytes.Clone(small), 9, 0, 0, 40, 0, 0, 1, 0, 0, 0, 0, 0x17, 1),
		fileOf(flv.Tag{Type: 1, Body: []byte{1}}, key(1<<32-5), key(5)),
		withKeyFrames(f, []flv.Tag{key(0), key(40), key(80)}, func(p, s []any) (any, any) { return each(p, 3), s }),
	} {
		f.Add(file)
	}
}

// within is a file. The test fails if a read goes beyond the end of the file.
type within struct {
	t    *testing.T
	file []byte
}

func (w *within) ReadAt(b []byte, at int64) (int, error) {
	if at < 0 || at+int64(len(b)) > int64(len(w.file)) {
		w.t.Fatalf("reads %d bytes at %d of %d", len(b), at, len(w.file))
	}
	return copy(b, w.file[at:]), nil
}

// FuzzIndex checks that the entries of an index are in order and within the file, and that playing may begin at each of them. It also
// checks that the index of a part of the file is the same as that of the whole file after it was extended.
func FuzzIndex(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		size := int64(len(file))
		for _, trust := range []bool{true, false} {
			x, err := buildIndex(context.Background(), &within{t, file}, size, trust)
			if err != nil {
				require.ErrorIs(t, err, ErrNotFLV)
				return
			}
			require.LessOrEqual(t, x.weight, maxWeight)
			for i, e := range x.entries {
				if i == 0 {
					continue
				}
				require.Greater(t, e.at, x.entries[i-1].at)
				require.Greater(t, e.time, x.entries[i-1].time)
				require.Less(t, e.at, size)
				for _, h := range e.headers {
					require.Less(t, h.at, e.at)
				}
				found, err := x.seek(context.Background(), &within{t, file}, e.time)
				if trust && errors.Is(err, errStale) {
					continue
				}
				if e.time < 0 {
					require.ErrorIs(t, err, ErrInvalidTime)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, e, found)
			}
			if trust {
				continue
			}
			half := size / 2
			part, err := buildIndex(context.Background(), &within{t, file[:half]}, half, false)
			if err != nil || part.tail.end() > size {
				continue
			}
			grown, err := part.extended(context.Background(), &within{t, file}, size)
			require.NoError(t, err)
			require.Equal(t, x.entries, grown.entries)
			require.Equal(t, x.last, grown.last)
		}
	})
}

// FuzzPlayer checks that a Player returns the tags that flv.Reader finds, from any position.
func FuzzPlayer(f *testing.F) {
	seeds(f)
	dir := f.TempDir()
	folder, err := OpenFolder(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { folder.Close() })
	f.Fuzz(func(t *testing.T, file []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a.flv"), file, 0o644))
		p, err := folder.Play(t.Context(), "a.flv", all)
		if err != nil {
			require.ErrorIs(t, err, ErrNotFLV)
			return
		}
		defer p.Close()
		got, _ := drain(t, p)
		r := flv.NewReader(bytes.NewReader(file))
		var tag flv.Tag
		for len(got) > 0 {
			require.NoError(t, r.Next(&tag))
			if isMedia(tag.Type) {
				require.Equal(t, clone(tag), got[0])
				got = got[1:]
			}
		}
		if err := p.Seek(t.Context(), 50e6); err == nil {
			drain(t, p)
		}
	})
}

// FuzzAppend checks that tags that were appended to a file can be read after the tags that it already contained. If appending is refused,
// the file must not have changed.
func FuzzAppend(f *testing.F) {
	seeds(f)
	dir := f.TempDir()
	folder, err := OpenFolder(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { folder.Close() })
	path := filepath.Join(dir, "a.flv")
	f.Fuzz(func(t *testing.T, file []byte) {
		require.NoError(t, os.WriteFile(path, file, 0o644))
		before := readAll(file)
		r, err := folder.Record("a.flv", RecordOptions{Append: true, MinFree: -1})
		if err != nil {
			require.Equal(t, file, append([]byte{}, readFile(t, path)...))
			return
		}
		require.NoError(t, r.WriteTag(key(7)))
		require.NoError(t, r.Close())
		after := readFile(t, path)
		tags := readAll(after)
		require.NotEmpty(t, tags)
		require.Equal(t, key(0).Body, tags[len(tags)-1].Body)
		require.GreaterOrEqual(t, len(tags), len(before)) // if the PreviousTagSize of the last tag is incomplete, that tag is lost
		for i := 1; i < min(len(before), len(tags)-1); i++ {
			require.Equal(t, before[i], tags[i])
		}
		again, err := folder.Record("a.flv", RecordOptions{Append: true, MinFree: -1})
		require.NoError(t, err)
		require.NoError(t, again.Close())
		require.Equal(t, after, readFile(t, path))
	})
}

// readAll returns the tags of a file up to the first error.
func readAll(file []byte) (tags []flv.Tag) {
	r := flv.NewReader(bytes.NewReader(file))
	var tag flv.Tag
	for {
		err := r.Next(&tag)
		if err == io.EOF || err != nil {
			return tags
		}
		tags = append(tags, clone(tag))
	}
}
