package vod

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// withKeyFrames returns a file whose metadata lists its key frames, modified by change.
func withKeyFrames(t testing.TB, rest []flv.Tag, change func(positions, times []any) (any, any)) []byte {
	metadata := func(positions, times []any) flv.Tag {
		p, s := change(positions, times)
		return script(t, "onMetaData", amf.ECMAArray{{Name: "keyframes", Value: amf.Object{{Name: "filepositions", Value: p}, {Name: "times", Value: s}}}})
	}
	var positions, times []any
	for range 2 { // the length of the metadata does not depend on the numbers
		first := len(fileOf(metadata(positions, times)))
		positions, times = nil, nil
		for _, tag := range rest {
			if kind, _ := flv.KindOf(tag); kind == flv.KindKeyFrame {
				positions = append(positions, float64(first))
				times = append(times, float64(tag.Timestamp)/1000)
			}
			first += len(tag.Body) + flv.TagOverhead
		}
	}
	return fileOf(append([]flv.Tag{metadata(positions, times)}, rest...)...)
}

func same(p, s []any) (any, any) { return p, s }

// counted is a file that counts the bytes read from it.
type counted struct {
	io.ReaderAt
	bytes atomic.Int64
}

func (c *counted) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, at)
	c.bytes.Add(int64(n))
	return n, err
}

func TestIndexFromMetadata(t *testing.T) {
	rest := []flv.Tag{avc(1), aac(1), sound(0)}
	for n := range uint32(300) {
		tag := big(n*100, 9000)
		if n%10 == 0 {
			tag.Body[0] = 0x17
		}
		rest = append(rest, tag, sound(n*100+1))
	}
	good := withKeyFrames(t, rest, same)
	want := times(indexOf(t, good, false))
	require.Len(t, want, 30)
	read := func(file []byte, trust bool) (*index, int64) {
		c := &counted{ReaderAt: bytes.NewReader(file)}
		x, err := buildIndex(context.Background(), c, int64(len(file)), trust)
		require.NoError(t, err)
		require.Equal(t, int64(29_901), x.last)
		require.Equal(t, int64(len(file)), x.tail.end())
		return x, c.bytes.Load()
	}
	trusted, few := read(good, true)
	scanned, many := read(good, false)
	require.Equal(t, want, times(trusted))
	require.Less(t, few, many/4)
	require.Less(t, many, int64(len(good)), "not even a scan reads bodies")
	for i := range want[1:] {
		require.Equal(t, len(scanned.entries[i+1].headers), len(trusted.entries[i+1].headers))
	}

	wrong := map[string]func(p, s []any) (any, any){
		"no list":           func(p, s []any) (any, any) { return nil, nil },
		"texts":             func(p, s []any) (any, any) { return "x", "y" },
		"numbers missing":   func(p, s []any) (any, any) { return p, s[:max(len(s)-1, 0)] },
		"other things":      func(p, s []any) (any, any) { return p, append([]any{true}, s...)[:len(s)] },
		"positions moved":   func(p, s []any) (any, any) { return each(p, 1), s },
		"positions far":     func(p, s []any) (any, any) { return each(p, 1e12), s },
		"positions below 0": func(p, s []any) (any, any) { return each(p, -1e12), s },
		"times moved":       func(p, s []any) (any, any) { return p, each(s, 0.04) },
		"reversed":          func(p, s []any) (any, any) { return reversed(p), reversed(s) },
		"last moved":        func(p, s []any) (any, any) { return with(p, len(p)-1, 5), s },
		"a position twice":  func(p, s []any) (any, any) { return twice(p, 2), s },
		"the first alone":   func(p, s []any) (any, any) { return p[:min(1, len(p))], s[:min(1, len(s))] },
	}
	for name, change := range wrong {
		x, _ := read(withKeyFrames(t, rest, change), true)
		require.Equal(t, want, times(x), name)
	}

	// In a list, times may be rounded. The first key frame is known already when the list is used.
	rounded, few := read(withKeyFrames(t, rest, func(p, s []any) (any, any) { return p, with(with(s, 0, 0.001), len(s)-1, -0.001) }), true)
	require.Less(t, few, many/4)
	require.Equal(t, append(want[:29:29], want[29]-1), times(rounded))

	// The entries that probe examines are right in these lists, but others are
	// wrong.
	lie := func(p, s []any) (any, any) {
		if len(s) > 3 {
			s[2] = s[1].(float64) + 0.4
			p[2] = p[1].(float64) + 5
		}
		return p, s
	}
	bad := withKeyFrames(t, rest, lie)
	f, _ := newFolder(t, map[string][]byte{"a.flv": bad})
	p := play(t, f, "a.flv", all)
	x, err := f.indexes.get(t.Context(), "a.flv", p.file)
	require.NoError(t, err)
	require.NotEqual(t, want, times(x))
	require.NoError(t, p.Seek(t.Context(), 1_500_000_000))
	x, err = f.indexes.get(t.Context(), "a.flv", p.file)
	require.NoError(t, err)
	require.Equal(t, want, times(x))
	tags, _ := drain(t, p)
	require.Equal(t, uint32(1000), tags[3].Timestamp)
}

func each(list []any, more float64) (moved []any) {
	for _, v := range list {
		moved = append(moved, v.(float64)+more)
	}
	return moved
}

// with returns a list in which a number is changed. An empty list stays empty.
func with(list []any, i int, more float64) []any {
	changed := slices.Clone(list)
	if i >= 0 && i < len(list) {
		changed[i] = list[i].(float64) + more
	}
	return changed
}

// twice returns a list in which element i is the same as the one before it.
func twice(list []any, i int) []any {
	changed := slices.Clone(list)
	if i < len(list) {
		changed[i] = list[i-1]
	}
	return changed
}

func reversed(list []any) (other []any) {
	for i := range list {
		other = append(other, list[len(list)-1-i])
	}
	return other
}

// TestIndexOfContinuedFile checks that key frames after the end of the list are found, as in a file that was appended to.
func TestIndexOfContinuedFile(t *testing.T) {
	old := withKeyFrames(t, []flv.Tag{avc(1), key(0), inter(40), key(80), inter(120), key(160)}, same)
	f, dir := newFolder(t, map[string][]byte{"a.flv": old})
	file := record(t, f, dir, "a.flv", RecordOptions{Append: true}, avc(2), key(0), inter(40), key(80))
	x := indexOf(t, file, true)
	require.Equal(t, []int64{0, 80, 160, 161, 241}, times(x))
	require.Equal(t, x.entries[1].headers, x.entries[2].headers)
	require.NotEqual(t, x.entries[2].headers, x.entries[3].headers)
}

// TestListIsUsedSoon checks that the list of key frames is used if one of the first 1024 tags is a key frame. After more tags the list must
// not be used, so that a file does not have to be read twice.
func TestListIsUsedSoon(t *testing.T) {
	for sounds, used := range map[int]bool{1022: true, 1023: false} {
		var rest []flv.Tag
		for range sounds {
			rest = append(rest, sound(0))
		}
		for n := range uint32(20) {
			rest = append(rest, key(n*1000))
		}
		wrong := func(p, s []any) (any, any) { return with(p, 2, 1), s } // probe does not examine this position
		file := withKeyFrames(t, rest, wrong)
		right := indexOf(t, file, false).entries[2].at
		require.Equal(t, used, indexOf(t, file, true).entries[2].at == right+1, sounds)
	}
}

// TestLargestMetadata checks that the list of key frames is read in metadata of the largest size, and not in larger metadata, which would
// take too much memory.
func TestLargestMetadata(t *testing.T) {
	metadata := func(padding int) flv.Tag {
		return script(t, "onMetaData", amf.ECMAArray{
			{Name: "keyframes", Value: amf.Object{{Name: "filepositions", Value: []any{100.0}}, {Name: "times", Value: []any{1.5}}}},
			{Name: "padding", Value: string(make([]byte, 1<<17+padding))},
		})
	}
	small := len(metadata(0).Body)
	for size, want := range map[int][]entry{maxMetadata: {{at: 100, time: 1500}}, maxMetadata + 1: nil} {
		tag := metadata(size - small)
		require.Len(t, tag.Body, size)
		file := fileOf(tag)
		h, err := headAt(bytes.NewReader(file), int64(len(file)), flv.FileHeaderSize)
		require.NoError(t, err)
		require.Equal(t, want, readKeyFrames(bytes.NewReader(file), &h), size)
	}
}
