package vod

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
)

// sizes returns the total size of the files in a directory.
func sizes(t *testing.T, dir string) (n int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		n += info.Size()
	}
	return n
}

// TestUsageFollowsRecordings checks that the size of a folder is correct after each kind of recording, without another search.
func TestUsageFollowsRecordings(t *testing.T) {
	f, dir := newFolder(t, nil)
	f.usage.add(7) // a recording that was removed later
	require.Zero(t, f.usage.total(f.root))
	check := func(what string) {
		t.Helper()
		require.Equal(t, sizes(t, dir), f.usage.total(f.root), what)
	}
	first := record(t, f, dir, "a.flv", RecordOptions{}, avc(1), key(0), big(40, 5000))
	check("new")
	record(t, f, dir, "a.flv", RecordOptions{}, key(0))
	check("replaced")
	record(t, f, dir, "a.flv", RecordOptions{Append: true}, key(0), big(40, 70_000))
	check("continued")
	record(t, f, dir, "b.flv", RecordOptions{MaxSize: 1000}, key(0), big(40, 2000), key(80), key(120))
	check("rotated")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.flv"), first[:len(first)-7], 0o644))
	f.usage.add(int64(len(first) - 7))
	check("another program's file")
	record(t, f, dir, "c.flv", RecordOptions{Append: true}, key(0))
	check("cut and continued")
}

// TestMaxTotal checks that a recording may begin if the folder has exactly MaxTotal bytes.
func TestMaxTotal(t *testing.T) {
	f, _ := newFolder(t, map[string][]byte{"a.flv": make([]byte, 1000)})
	_, err := f.Record("b.flv", RecordOptions{MaxTotal: 999})
	require.ErrorIs(t, err, ErrNoSpace)
	r, err := f.Record("b.flv", RecordOptions{MaxTotal: 1000})
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

// TestLimitsAreCheckedForEachMegabyte checks how often a recording asks the system for the free space.
func TestLimitsAreCheckedForEachMegabyte(t *testing.T) {
	f, _ := newFolder(t, nil)
	r, err := f.Record("a.flv", RecordOptions{})
	require.NoError(t, err)
	var checks []int64
	for n := range uint32(300) {
		require.NoError(t, r.WriteTag(big(n, 10_000)))
		if r.checked > 0 && (len(checks) == 0 || checks[len(checks)-1] != r.checked) {
			checks = append(checks, r.checked)
		}
	}
	require.NoError(t, r.Close())
	require.Len(t, checks, 2)
	require.InDelta(t, checkEvery, checks[0], 11_000)
	require.InDelta(t, 2*checkEvery, checks[1], 22_000)
}

// TestLargestTag checks that a body of the largest size is recorded, and that a larger one ends the recording.
func TestLargestTag(t *testing.T) {
	f, dir := newFolder(t, nil)
	largest := big(0, flv.MaxBodySize)
	tags := tagsOf(t, record(t, f, dir, "a.flv", RecordOptions{}, largest))
	requireSame(t, []flv.Tag{largest}, tags[1:])
	r, err := f.Record("a.flv", RecordOptions{})
	require.NoError(t, err)
	var tooLong *flv.Error
	require.ErrorAs(t, r.WriteTag(big(0, flv.MaxBodySize+1)), &tooLong)
	require.ErrorAs(t, r.Close(), &tooLong)
}

// TestRotationAtTheLimits checks with which tag the next file begins when a limit is just reached: with the next key frame or, in audio
// without video, with any tag. Other tags may double the limit.
func TestRotationAtTheLimits(t *testing.T) {
	const second = time.Second
	// size is the size of a file with a key frame and a frame, so that the next tag reaches a limit of that size.
	f, dir := newFolder(t, nil)
	size := int64(len(record(t, f, dir, "a.flv", RecordOptions{}, key(0), inter(999))))
	video := func(last flv.Tag) []flv.Tag { return []flv.Tag{key(0), inter(999), last} }
	audio := func(last flv.Tag) []flv.Tag { return []flv.Tag{sound(0), sound(999), last} }
	for name, c := range map[string]struct {
		o       RecordOptions
		tags    []flv.Tag
		rotates bool
	}{
		"a key frame at the limit":             {RecordOptions{MaxDuration: second}, video(key(1000)), true},
		"a key frame before it":                {RecordOptions{MaxDuration: second + time.Millisecond}, video(key(1000)), false},
		"a frame at twice the limit":           {RecordOptions{MaxDuration: second}, video(inter(2000)), true},
		"a frame before it":                    {RecordOptions{MaxDuration: second}, video(inter(1999)), false},
		"audio with video, at the limit":       {RecordOptions{MaxDuration: second}, video(sound(1000)), false},
		"audio with video, at twice the limit": {RecordOptions{MaxDuration: second}, video(sound(2000)), true},
		"audio alone, at the limit":            {RecordOptions{MaxDuration: second}, audio(sound(1000)), true},
		"audio alone, before it":               {RecordOptions{MaxDuration: second}, audio(sound(999)), false},
		"size at the limit":                    {RecordOptions{MaxSize: size}, video(key(1000)), true},
		"size below it":                        {RecordOptions{MaxSize: size + 1}, video(key(1000)), false},
		"a frame at twice the size":            {RecordOptions{MaxSize: size / 2}, video(inter(1000)), true},
		"a frame below it":                     {RecordOptions{MaxSize: size/2 + 1}, video(inter(1000)), false},
		"no limits":                            {RecordOptions{}, video(key(1 << 30)), false},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := newFolder(t, nil)
			record(t, f, dir, "a.flv", c.o, c.tags...)
			_, err := os.Stat(filepath.Join(dir, "a-2.flv"))
			assert.Equal(t, c.rotates, err == nil)
			file, err := os.ReadFile(filepath.Join(dir, "a.flv"))
			require.NoError(t, err)
			want := 3
			if c.rotates {
				want = 2
			}
			assert.Len(t, tagsOf(t, file)[1:], want)
		})
	}
}

// TestDurationWithBFrames checks that the duration includes the composition time of the last picture.
func TestDurationWithBFrames(t *testing.T) {
	delayed := func(at uint32, ms int32) flv.Tag {
		return videoTag(at, 0x27, 1, byte(ms>>16), byte(ms>>8), byte(ms), 'b')
	}
	for name, c := range map[string]struct {
		tags           []flv.Tag
		duration, last float64
	}{
		"the last":                   {[]flv.Tag{key(0), delayed(40, 80)}, 0.12, 0.04},
		"one before it":              {[]flv.Tag{key(0), delayed(40, 80), delayed(80, 0)}, 0.12, 0.08},
		"earlier than its timestamp": {[]flv.Tag{key(0), delayed(40, -80)}, 0.04, 0.04},
		"a header":                   {[]flv.Tag{key(0), videoTag(0, 0x17, 0, 0, 0, 80, 1), inter(40)}, 0.04, 0.04},
		"audio":                      {[]flv.Tag{sound(0), audioTag(40, 0x27, 1, 0, 0, 80)}, 0.04, 0.04},
		"an invalid header":          {[]flv.Tag{key(0), videoTag(40, 0x27, 1)}, 0.04, 0.04},
	} {
		f, dir := newFolder(t, nil)
		file := record(t, f, dir, "a.flv", RecordOptions{}, c.tags...)
		m := metadata(t, tagsOf(t, file)[0])
		assert.Equal(t, amf.ECMAArray{{Name: "duration", Value: c.duration}, {Name: "filesize", Value: float64(len(file))}, {Name: "lasttimestamp", Value: c.last}}, m, name)
	}
}

// TestLargestMetadataIsKept checks that the publisher's metadata is kept if it fits into a tag together with the recording's.
func TestLargestMetadataIsKept(t *testing.T) {
	sent := func(padding int) []byte {
		return script(t, onMetaData, amf.ECMAArray{{Name: "x", Value: string(make([]byte, math.MaxUint16+1+padding))}}).Body
	}
	small := len(appendMetadata(nil, sent(0)))
	assert.Len(t, appendMetadata(nil, sent(flv.MaxBodySize-small)), flv.MaxBodySize)
	assert.Len(t, appendMetadata(nil, sent(flv.MaxBodySize-small+1)), len(appendMetadata(nil, nil)))
}
