package vod

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
		"empty video before audio":  {[]flv.Tag{videoTag(0), sound(0), sound(3000), key(4000)}, []int64{0, 3000, 4000}, 4000},
		"a command and empty video": {[]flv.Tag{videoTag(0), videoTag(0, 0x57, 0), sound(0), sound(3000), key(4000)}, []int64{0, 4000}, 4000},
	} {
		x := indexOf(t, fileOf(c.tags...), true)
		require.Equal(t, c.times, times(x), name)
		require.Equal(t, c.last, x.last, name)
		require.Equal(t, int64(len(fileOf(c.tags...))), x.tail.end(), name)
	}
}

// TestIndexIsThinned checks that the size of an index is bounded. locate must then scan the file to find the key frames that have no entry.
func TestIndexIsThinned(t *testing.T) {
	const keys = 3 * maxWeight
	for name, header := range map[string]uint32{"few headers": keys, "many headers": 7} {
		file := fileOf(avc(1))
		for n := range uint32(keys) {
			if n%header == 0 {
				file = flv.AppendTag(file, avc(byte(n/header)))
			}
			if n%3 == 1 {
				file = flv.AppendTag(file, sound(n*10))
			}
			file = flv.AppendTag(file, key(n*10))
		}
		x := indexOf(t, file, false)
		require.LessOrEqual(t, x.weight, maxWeight, name)
		require.Equal(t, weightOf(x), x.weight, name)
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

// weightOf counts the entries and headers of an index; see maxWeight.
func weightOf(x *index) (n int) {
	for i, e := range x.entries {
		n++
		if len(e.headers) > 0 && (i == 0 || len(x.entries[i-1].headers) == 0 || &e.headers[0] != &x.entries[i-1].headers[0]) {
			n += len(e.headers)
		}
	}
	return n
}

// TestLargestIndex checks that an index is thinned when it exceeds maxWeight.
func TestLargestIndex(t *testing.T) {
	x := newIndex(flv.FileHeaderSize)
	for n := int64(1); n <= maxWeight; n++ {
		require.Equal(t, 1, x.spacing)
		require.Len(t, x.entries, int(n))
		x.now = n
		x.addEntry(flv.FileHeaderSize + n)
	}
	require.Equal(t, 2, x.spacing)
	require.Len(t, x.entries, maxWeight/2+1)
}

// TestThinnedIndexFindsTheSame checks that locate still finds each position after its entry was removed: a key frame, or an audio tag
// before the first picture.
func TestThinnedIndexFindsTheSame(t *testing.T) {
	tags := []flv.Tag{avc(1), sound(0), sound(1000), sound(2000), aac(2), sound(3000), sound(3500)}
	for n := range uint32(9) {
		tags = append(tags, at(avc(byte(n/2)), 0), key(4000+n*2000), sound(4500+n*2000), inter(5900+n*2000))
	}
	file := fileOf(tags...)
	whole, thin := indexOf(t, file, false), indexOf(t, file, false)
	require.Equal(t, []int64{0, 1000, 2000, 3000, 4000, 6000, 8000, 10_000, 12_000, 14_000, 16_000, 18_000, 20_000}, times(whole))
	for range 3 {
		thin.thin()
		require.Equal(t, weightOf(thin), thin.weight)
		for _, want := range whole.entries {
			for _, later := range []int64{0, 1, 499} {
				found, err := thin.seek(t.Context(), bytes.NewReader(file), want.time+later)
				require.NoError(t, err)
				require.Equal(t, want, found)
			}
		}
	}
}

// TestHeadersInIndexAreBounded checks that an entry has at most maxHeaders headers.
func TestHeadersInIndexAreBounded(t *testing.T) {
	header := func(track, config byte) flv.Tag {
		return videoTag(0, 0x80|1<<4|6, 0x00, 'a', 'v', '0', '1', track, config)
	}
	var tags []flv.Tag
	for track := range byte(maxHeaders + 5) {
		tags = append(tags, header(track, 1))
	}
	tags = append(tags, key(0), header(0, 2), key(1000))
	x := indexOf(t, fileOf(tags...), false)
	require.Len(t, x.entries[1].headers, maxHeaders)
	last := x.entries[1].headers[maxHeaders-1]
	h, err := headAt(bytes.NewReader(fileOf(tags...)), x.size, last.at)
	require.NoError(t, err)
	require.Equal(t, header(0, 2).Body, h.Body, "a header replaces the one of its track")
}

// TestEntriesAreChecked checks that an entry is used only if the file has a key frame or audio at its position, with its time. The time may
// differ by 1 ms, since times in metadata are rounded.
func TestEntriesAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		tag   flv.Tag
		time  int64
		stale bool
	}{
		"the same time":       {key(1000), 1000, false},
		"1 ms before":         {key(1000), 999, false},
		"1 ms after":          {key(1000), 1001, false},
		"2 ms before":         {key(1000), 998, true},
		"2 ms after":          {key(1000), 1002, true},
		"audio":               {sound(1000), 1000, false},
		"a frame of video":    {inter(1000), 1000, true},
		"a header":            {at(avc(1), 1000), 1000, true},
		"not a tag":           {flv.Tag{}, 0, true},
		"a time over 32 bits": {key(5), 1<<32 + 5, false},
	} {
		file := fileOf(c.tag)
		e := entry{at: flv.FileHeaderSize, time: c.time}
		err := e.check(bytes.NewReader(file), int64(len(file)))
		if c.stale {
			require.Equal(t, errStale, err, name)
		} else {
			require.NoError(t, err, name)
		}
	}
}

// TestExtendedNoticesChanges checks that an index is extended only if its last tag is still in the file.
func TestExtendedNoticesChanges(t *testing.T) {
	empty := func(at uint32) flv.Tag { return videoTag(at) }
	before := indexOf(t, fileOf(key(0), empty(40)), false)
	for name, c := range map[string]struct {
		tags  []flv.Tag
		stale bool
	}{
		"the same":         {[]flv.Tag{key(0), empty(40)}, false},
		"more tags":        {[]flv.Tag{key(0), empty(40), key(80)}, false},
		"another time":     {[]flv.Tag{key(0), empty(41), key(80)}, true},
		"another size":     {[]flv.Tag{key(0), inter(40), key(80)}, true},
		"not a tag":        {[]flv.Tag{key(0), {Timestamp: 40}, key(80)}, true},
		"a shorter file":   {[]flv.Tag{key(0)}, true},
		"another position": {[]flv.Tag{inter(0), inter(0), empty(40)}, true},
	} {
		file := fileOf(c.tags...)
		grown, err := before.extended(t.Context(), bytes.NewReader(file), int64(len(file)))
		if c.stale {
			require.Equal(t, errStale, err, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, indexOf(t, file, false).entries, grown.entries, name)
	}
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

// TestCache checks that each index is made only once when many players use many files. The least recently used indexes must be removed.
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

// TestScanIsCancelled checks that a scan ends when its context is done, and so does a wait for another goroutine's scan.
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
	_, err = c.use(context.Background(), "a.flv", func(*cached) error { return nil }) // the entry is no longer in use
	require.NoError(t, err)

	f, _ := newFolder(t, map[string][]byte{"a.flv": file})
	_, err = f.Play(ctx, "a.flv", PlayOptions{Start: 1e9, Length: -1})
	require.ErrorIs(t, err, context.Canceled)
}
