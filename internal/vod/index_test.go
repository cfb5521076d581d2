package vod

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// indexOf returns the index of a file.
func indexOf(t testing.TB, file []byte, trust bool) *index {
	t.Helper()
	x, err := buildIndex(context.Background(), bytes.NewReader(file), int64(len(file)), trust)
	require.NoError(t, err)
	return x
}

// times returns the times of the entries.
func times(x *index) (ms []int64) {
	for _, e := range x.entries {
		ms = append(ms, e.time)
	}
	return ms
}

func TestIndex(t *testing.T) {
	track := func(at uint32, id byte) flv.Tag { // returns a key frame of one of several video tracks
		return videoTag(at, 0x80|1<<4|6, 0x01, 'a', 'v', '0', '1', id, 'k')
	}
	for name, c := range map[string]struct {
		tags  []flv.Tag
		times []int64
		last  int64
	}{
		"nothing":                   {nil, []int64{0}, 0},
		"headers alone":             {[]flv.Tag{avc(1), at(aac(1), 7000)}, []int64{0}, 0},
		"key frames":                {[]flv.Tag{avc(1), key(0), inter(40), key(80), inter(120), key(160)}, []int64{0, 80, 160}, 160},
		"audio before the picture":  {[]flv.Tag{sound(0), sound(999), sound(1000), sound(1500), sound(2100), key(2100), sound(4000), key(5000)}, []int64{0, 1000, 2100, 5000}, 5000},
		"audio alone":               {[]flv.Tag{aac(1), sound(0), sound(500), sound(1001), sound(2000), sound(2001)}, []int64{0, 1001, 2001}, 2001},
		"no key frame":              {[]flv.Tag{inter(0), inter(5000), sound(9000)}, []int64{0}, 9000},
		"a late beginning":          {[]flv.Tag{avc(1), key(3_000_000_000), inter(3_000_000_040), key(3_000_000_080)}, []int64{3_000_000_000, 3_000_000_080}, 3_000_000_080},
		"over 32 bits":              {[]flv.Tag{key(1<<32 - 10), key(20), inter(30)}, []int64{1<<32 - 10, 1<<32 + 20}, 1<<32 + 30},
		"time that runs back":       {[]flv.Tag{key(0), key(5000), key(1000), key(4000), key(6000)}, []int64{0, 5000, 6000}, 6000},
		"headers with the time 0":   {[]flv.Tag{avc(1), key(9000), avc(1), key(9500), avc(2), key(10_000)}, []int64{9000, 9500, 10_000}, 10_000},
		"tracks":                    {[]flv.Tag{track(0, 3), track(0, 4), track(40, 4), track(80, 3), track(80, 4)}, []int64{0, 80}, 80},
		"two of the same moment":    {[]flv.Tag{key(0), key(40), key(40), key(80)}, []int64{0, 40, 80}, 80},
		"a command and empty video": {[]flv.Tag{videoTag(0), videoTag(0, 0x57, 0), sound(0), sound(3000), key(4000)}, []int64{0, 4000}, 4000},
	} {
		x := indexOf(t, fileOf(c.tags...), true)
		require.Equal(t, c.times, times(x), name)
		require.Equal(t, c.last, x.last, name)
		require.Equal(t, int64(len(fileOf(c.tags...))), x.tail.end(), name)
	}
}

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
	}
	for name, change := range wrong {
		x, _ := read(withKeyFrames(t, rest, change), true)
		require.Equal(t, want, times(x), name)
	}

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

// TestIndexIsThinned checks that the size of an index is bounded, and that locate finds the key frames that have no
// entry by scanning.
func TestIndexIsThinned(t *testing.T) {
	const keys = 3 * maxWeight
	for name, header := range map[string]uint32{"few headers": keys, "many headers": 7} {
		file := fileOf(avc(1))
		var metadata []flv.Tag
		for n := range uint32(keys) {
			if n%header == 0 {
				file = flv.AppendTag(file, avc(byte(n/header)))
			}
			if n%3 == 1 {
				file = flv.AppendTag(file, sound(n*10))
			}
			file = flv.AppendTag(file, key(n*10))
		}
		require.Empty(t, metadata)
		x := indexOf(t, file, false)
		require.LessOrEqual(t, x.weight, maxWeight, name)
		require.Greater(t, len(x.entries), maxWeight/8, name)
		for _, ms := range []int64{0, 9, 10, 15, 12_345, keys*10 - 11, keys*10 - 10} {
			e, err := x.seek(t.Context(), bytes.NewReader(file), ms)
			require.NoError(t, err)
			require.Equal(t, ms/10*10, e.time, name)
			h, err := headAt(bytes.NewReader(file), int64(len(file)), e.at)
			require.NoError(t, err)
			if ms < 10 {
				continue // the beginning of the file
			}
			require.Equal(t, uint32(e.time), h.Timestamp, name)
			config, err := headAt(bytes.NewReader(file), int64(len(file)), e.headers[0].at)
			require.NoError(t, err)
			require.Equal(t, byte(uint32(ms/10)/header), config.Body[5], name)
		}
	}
	sounds := fileOf()
	for n := range uint32(2 * maxWeight) {
		sounds = flv.AppendTag(sounds, sound(n*1000))
	}
	x := indexOf(t, sounds, false)
	require.LessOrEqual(t, x.weight, maxWeight)
	e, err := x.seek(t.Context(), bytes.NewReader(sounds), 12_345_678)
	require.NoError(t, err)
	require.Equal(t, int64(12_345_000), e.time)
}

func TestIndexGrows(t *testing.T) {
	f, dir := newFolder(t, map[string][]byte{"a.flv": fileOf(avc(1), key(0), inter(40))})
	path := filepath.Join(dir, "a.flv")
	get := func() *index {
		file, err := os.Open(path)
		require.NoError(t, err)
		defer file.Close()
		x, err := f.indexes.get(t.Context(), "a.flv", file)
		require.NoError(t, err)
		return x
	}
	x := get()
	require.Same(t, x, get())
	for n := range uint32(5) {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		require.NoError(t, err)
		b := flv.AppendTag(flv.AppendTag(nil, key(80*(n+1))), inter(80*(n+1)+40))
		for _, part := range [][]byte{b[:7], b[7:30], b[30:]} { // write the file in pieces, and get its index after each
			_, err = file.Write(part)
			require.NoError(t, err)
			get()
		}
		require.NoError(t, file.Close())
		grown := get()
		require.Equal(t, int(n+2), len(grown.entries))
		require.Equal(t, 1, len(x.entries), "the old one stays as it is")
		require.Equal(t, times(indexOf(t, readFile(t, path), false)), times(grown))
	}
	require.NoError(t, os.WriteFile(path, fileOf(key(0), key(500), big(1000, 5000)), 0o644)) // another, longer file
	require.Equal(t, []int64{0, 500}, times(get()))
	require.NoError(t, os.WriteFile(path, fileOf(key(0)), 0o644))
	require.Equal(t, []int64{0}, times(get()))
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// TestCache checks that each index is made only once when many players use many files, and that the least recently used
// indexes are removed.
func TestCache(t *testing.T) {
	files := map[string][]byte{}
	for n := range maxCached + 10 {
		files[fmt.Sprint(n, ".flv")] = seekable(t)
	}
	f, _ := newFolder(t, files)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for name := range files {
				p, err := f.Play(context.Background(), name, PlayOptions{Start: 1e9, Length: -1, AsFast: true})
				if !assert.NoError(t, err) {
					return
				}
				assert.NoError(t, p.Seek(context.Background(), 2e9))
				assert.NoError(t, p.Close())
			}
		})
	}
	wg.Wait()
	require.Len(t, f.indexes.files, maxCached)
	names := map[string]bool{}
	for _, c := range f.indexes.files {
		names[c.name] = true
		require.NotNil(t, c.index)
	}
	require.Len(t, names, maxCached)
}

// blocked is a file whose reads block.
type blocked struct {
	io.ReaderAt
	begun, goOn chan struct{}
}

func (b *blocked) ReadAt(p []byte, at int64) (int, error) {
	b.begun <- struct{}{}
	<-b.goOn
	return b.ReaderAt.ReadAt(p, at)
}

// TestScanIsCancelled checks that a scan ends when its context is done, and that waiting for another
// goroutine's scan does so, too.
func TestScanIsCancelled(t *testing.T) {
	file := fileOf()
	for n := range uint32(5000) {
		file = flv.AppendTag(file, sound(n))
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &blocked{bytes.NewReader(file), make(chan struct{}), make(chan struct{})}
	done := make(chan error)
	var c cache
	go func() {
		_, err := c.use(ctx, "a.flv", func(e *cached) error {
			_, err := buildIndex(ctx, b, int64(len(file)), true)
			return err
		})
		done <- err
	}()
	<-b.begun
	waiting, stop := context.WithCancel(context.Background())
	stop()
	_, err := c.use(waiting, "a.flv", func(*cached) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
	cancel()
	go func() {
		for range b.begun {
			b.goOn <- struct{}{}
		}
	}()
	b.goOn <- struct{}{}
	require.ErrorIs(t, <-done, context.Canceled)
	close(b.begun)
	_, err = c.use(context.Background(), "a.flv", func(*cached) error { return nil }) // the next caller gets its turn
	require.NoError(t, err)

	f, _ := newFolder(t, map[string][]byte{"a.flv": file})
	_, err = f.Play(ctx, "a.flv", PlayOptions{Start: 1e9, Length: -1})
	require.ErrorIs(t, err, context.Canceled)
}
