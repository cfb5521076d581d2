package flv

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParser(t *testing.T) {
	var p Parser
	got := parse(&p, smallFile())
	assert.Equal(t, parsed{
		tags:    smallTags(),
		offsets: []int64{13, 32, 54, 69, 93},
		header:  FileHeader{HasAudio: true, HasVideo: true},
		seen:    true,
	}, got)
}

func TestParserWithoutHeader(t *testing.T) {
	file := smallFile()[FileHeaderSize:]
	var p Parser
	got := parse(&p, file)
	assert.Equal(t, smallTags(), got.tags)
	assert.False(t, got.seen)
	assert.Empty(t, got.end)

	got = parse(&Parser{RequireHeader: true}, file)
	assert.Empty(t, got.tags)
	assert.Equal(t, `flv: offset 0: not an FLV file, which begins with the bytes FLV: "\x12\x00\x00"`, got.end)
}

// TestParserJoinedFiles checks files with a second file header in the middle, as in downloads that rtmpdump has resumed.
func TestParserJoinedFiles(t *testing.T) {
	second := AppendTag(AppendFileHeader(nil, FileHeader{HasAudio: true}), Tag{Type: TagAudio, Body: []byte{1}})
	got := parse(&Parser{RequireHeader: true}, append(smallFile(), second...))
	assert.Equal(t, append(smallTags(), Tag{Type: TagAudio, Body: []byte{1}}), got.tags)
	assert.Equal(t, FileHeader{HasAudio: true}, got.header)
	assert.Empty(t, got.end)
	assert.Zero(t, got.wrong)
}

func TestParserLongHeader(t *testing.T) {
	file := append(unhex("464c56 01 01 0000000d"), "more"...)
	file = AppendTag(append(file, 0, 0, 0, 0), Tag{Type: TagVideo, Body: []byte{1}})
	for size := 1; size <= len(file); size++ {
		got := parse(&Parser{RequireHeader: true}, splits(file, size)...)
		assert.Equal(t, []Tag{{Type: TagVideo, Body: []byte{1}}}, got.tags)
		assert.Equal(t, []int64{17}, got.offsets)
		assert.Empty(t, got.end)
		assert.Zero(t, got.wrong)
	}
}

func TestParserWrongPreviousTagSizes(t *testing.T) {
	file := smallFile()
	file[12] = 1           // after the header
	file[31]++             // after the first tag
	file[len(file)-1] = 99 // after the last
	got := parse(&Parser{}, file)
	assert.Equal(t, smallTags(), got.tags)
	assert.Equal(t, int64(3), got.wrong)
	assert.Empty(t, got.end)
}

func TestParserMalformed(t *testing.T) {
	for _, c := range []struct {
		name, input, want string
		tags              int
	}{
		{"reserved bits", "48 000000 000000 00 000000", "flv: offset 0: not a tag: reserved bits are set in its first byte: 0x48", 0},
		{"reserved bits later", "08 000000 000000 00 000000 0000000b 88 000000 000000 00 000000",
			"flv: offset 15: not a tag: reserved bits are set in its first byte: 0x88", 1},
		{"data offset", "464c56 01 05 00000000", "flv: offset 0: file header is shorter than 9 bytes: 0x0", 0},
		{"data offset later", "08 000000 000000 00 000000 0000000b 464c56 01 05 00000001",
			"flv: offset 15: file header is shorter than 9 bytes: 0x1", 1},
		{"endless header", "464c56 01 05 ffffffff 00",
			"flv: offset 0: ends inside file header, bytes missing: 4294967289: unexpected EOF", 0},
		{"promised body", "09 ffffff 000000 00 000000 17",
			"flv: offset 0: ends inside tag body, bytes missing: 16777218: unexpected EOF", 0},
		{"previous tag size", "09 000000 000000 00 000000 0000", "flv: offset 0: ends inside previous tag size, bytes missing: 2: unexpected EOF", 1},
		{"tag header", "09", "flv: offset 0: ends inside tag header, bytes missing: 14: unexpected EOF", 0},
		{"beginning of a file header", "464c56", "flv: offset 0: ends inside file header, bytes missing: 10: unexpected EOF", 0},
		{"file header", "464c5601", "flv: offset 0: ends inside file header, bytes missing: 9: unexpected EOF", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for size := range 20 {
				got := parse(&Parser{}, splits(unhex(c.input), size+1)...)
				assert.Equal(t, c.want, got.end)
				assert.Len(t, got.tags, c.tags)
			}
		})
	}
}

func TestParserErrorIsFinal(t *testing.T) {
	var p Parser
	var tag Tag
	_, _, first := p.Parse(unhex("48 000000 000000 00 000000"), &tag)
	require.Error(t, first)
	n, ok, err := p.Parse(smallFile(), &tag)
	assert.Zero(t, n)
	assert.False(t, ok)
	assert.Same(t, first, err)
	assert.Same(t, first, p.End())
}

// TestParserGrowsWithTheInput checks that a header does not cause an allocation of 16 MiB merely by claiming a body of that size.
func TestParserGrowsWithTheInput(t *testing.T) {
	var p Parser
	var tag Tag
	_, ok, err := p.Parse(unhex("09 ffffff 000000 00 000000 00"), &tag)
	require.NoError(t, err)
	require.False(t, ok)
	assert.Less(t, cap(p.body), 1<<10)
}

// TestParserSplits checks that the result does not depend on how the input is split into pieces.
func TestParserSplits(t *testing.T) {
	file := smallFile()
	whole := parse(&Parser{}, file)
	for i := range file {
		for j := i; j <= len(file); j++ {
			assert.Equal(t, whole, parse(&Parser{}, file[:i], file[i:j], file[j:]), "split at %d and %d", i, j)
		}
	}
	for size := 1; size <= len(file); size++ {
		assert.Equal(t, whole, parse(&Parser{}, splits(file, size)...), "pieces of %d", size)
	}

	file = sample(t)
	whole = parse(&Parser{}, file)
	require.Empty(t, whole.end)
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var pieces [][]byte
		for rest := file; len(rest) > 0; {
			n := min(1+random.IntN(5000), len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, whole, parse(&Parser{}, pieces...))
	}
}

// TestParserReturnsViews checks that the body of a tag is a view of the input if the input contains all of it.
func TestParserReturnsViews(t *testing.T) {
	b := AppendTag(nil, Tag{Type: TagAudio, Body: []byte{1, 2, 3}})
	var tag Tag
	_, ok, err := new(Parser).Parse(b, &tag)
	require.NoError(t, err)
	require.True(t, ok)
	assert.Same(t, &b[TagHeaderSize], &tag.Body[0])
}

func TestParserAllocates(t *testing.T) {
	file := smallFile()
	var p Parser
	var tag Tag
	feed := func() {
		for _, b := range [][]byte{file[:40], file[40:]} { // the cut goes through a body
			for ok := true; ok; {
				var n int
				n, ok, _ = p.Parse(b, &tag)
				b = b[n:]
			}
		}
	}
	feed()
	assert.Zero(t, testing.AllocsPerRun(100, feed))
}

// FuzzReader checks that the result does not depend on how the input is split, and that tags survive writing and parsing.
func FuzzReader(f *testing.F) {
	f.Add(smallFile(), uint64(1))
	f.Add(smallFile()[FileHeaderSize:], uint64(2))
	f.Add(append(smallFile(), smallFile()...), uint64(3))
	f.Add(unhex("464c56 01 05 0000000c 000000 00000000 09 ffffff 000000 00 000000 17"), uint64(4))
	f.Add(unhex("08 000000 000000 00 000000 0000000b 88 000000 000000 00 000000"), uint64(5))
	f.Add(sample(f)[:5000], uint64(6))
	f.Fuzz(func(t *testing.T, input []byte, seed uint64) {
		whole := parse(&Parser{}, input)

		var pieces [][]byte
		random := rand.New(rand.NewPCG(seed, 0))
		for rest := input; len(rest) > 0; {
			n := min(1+random.IntN(1+int(seed%100)), len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, whole, parse(&Parser{}, pieces...))

		if bytes.HasPrefix(input, []byte(signature)) {
			r := NewReader(bytes.NewReader(input))
			tags, _ := readAll(r)
			require.Equal(t, whole.tags, tags)
			require.Equal(t, whole.wrong, r.WrongPreviousTagSizes())
		}

		var rewritten []byte
		for _, tag := range whole.tags {
			rewritten = AppendTag(rewritten, tag)
		}
		again := parse(&Parser{}, rewritten)
		require.Equal(t, whole.tags, again.tags)
		require.Empty(t, again.end)
		require.Zero(t, again.wrong)
	})
}
