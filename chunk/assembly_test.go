package chunk

import (
	"bytes"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCutAnywhere checks that the messages are the same wherever reads end.
func TestCutAnywhere(t *testing.T) {
	body := bytes.Repeat([]byte{0xC4}, 3*DefaultChunkSize) // bytes that look like chunk headers
	w := NewWriter()
	var wire []byte
	var want []got
	for range 3 { // the second and third message begin with bytes that could be the header of the first message's next chunk
		var err error
		wire, err = w.AppendMessage(wire, &Outgoing{Type: 9, Format: Format3, ChunkStreamID: 4, Body: body})
		require.NoError(t, err)
		want = append(want, got{9, 4, 0, 0, string(body)})
	}
	for cut := range wire {
		all, err := readAll(io.MultiReader(bytes.NewReader(wire[:cut]), bytes.NewReader(wire[cut:])), 0)
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, all, "cut at %d", cut)
	}
}

// TestInterleavedLongIDs interleaves chunk streams whose ids of two or three bytes differ only in the last byte.
func TestInterleavedLongIDs(t *testing.T) {
	for _, ids := range [][2]uint32{{64, 65}, {320, 321}, {320, 320 + 256}} {
		bodies := [2][]byte{bytes.Repeat([]byte{'a'}, 300), bytes.Repeat([]byte{'b'}, 300)}
		var parts [2][][]byte // the chunks of each message
		for i, id := range ids {
			size := len(appendBasicHeader(nil, Format3, id))
			wire, err := NewWriter().AppendMessage(nil, &Outgoing{Type: 9, ChunkStreamID: id, Body: bodies[i]})
			require.NoError(t, err)
			first := size + messageHeaderSize[Format0] + DefaultChunkSize
			parts[i] = append([][]byte{wire[:first]}, slices.Collect(slices.Chunk(wire[first:], size+DefaultChunkSize))...)
		}
		var wire []byte
		for n := range parts[0] {
			wire = append(append(wire, parts[0][n]...), parts[1][n]...)
		}
		want := []got{{9, ids[0], 0, 0, string(bodies[0])}, {9, ids[1], 0, 0, string(bodies[1])}}
		for _, src := range []io.Reader{bytes.NewReader(wire), iotest.OneByteReader(bytes.NewReader(wire))} {
			all, err := readAll(src, 0)
			require.Equal(t, io.EOF, err)
			require.Equal(t, want, all)
		}
	}
}

// TestNewExtendedTimestamp checks that a format 3 chunk that begins a message may have a new extended timestamp.
func TestNewExtendedTimestamp(t *testing.T) {
	wire := unhex("04 ffffff 000000 09 01000000 01000000 c4 03000000")
	want := []got{{9, 4, 1, 1 << 24, ""}, {9, 4, 1, 4 << 24, ""}}
	for _, src := range []io.Reader{bytes.NewReader(wire), iotest.OneByteReader(bytes.NewReader(wire))} {
		all, err := readAll(src, 0)
		require.Equal(t, io.EOF, err)
		require.Equal(t, want, all)
	}
}

// TestBasicHeaderAlone checks that a basic header is enough to determine the chunk stream of the next chunk.
func TestBasicHeaderAlone(t *testing.T) {
	for _, id := range []uint32{2, 63, 64, 319, 320, MaxChunkStreamID} {
		b := appendBasicHeader(nil, Format3, id)
		f, read, size := basicHeader(b)
		assert.Equal(t, Format3, f)
		assert.Equal(t, id, read)
		assert.Equal(t, len(b), size)
	}
}

// TestGrowth checks that a body doubles while the limit allows that, and then grows by an eighth.
func TestGrowth(t *testing.T) {
	const have, limit = 3000, maxPartialMessages * 5000
	for name, test := range map[string]struct {
		held, atLeast, most int // in bytes
	}{
		"alone":                             {have, 5000, limit},
		"to the whole message at the limit": {limit - 5000 + have, 5000, 5000},
		"by an eighth at the limit":         {limit - 3888 + have, 3888, 3888},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(nil, 5000)
			s := &stream{length: 5000, body: &buffer{bytes: make([]byte, have)}}
			r.held = test.held
			require.True(t, r.makeRoom(s, 1), r.err)
			assert.GreaterOrEqual(t, s.room(), test.atLeast)
			assert.LessOrEqual(t, s.room(), test.most)
			assert.Equal(t, have, s.have())
			assert.Equal(t, test.held-have+s.room(), r.held)
		})
	}
	r := NewReader(nil, 5000)
	s := &stream{length: 5000, body: &buffer{bytes: make([]byte, have)}}
	r.held = limit - 3888 + have + 1
	assert.False(t, r.makeRoom(s, 1))
	assert.EqualError(t, r.err, "chunk: bytes of unfinished messages: 10000")
}

// TestClip checks that a message gives back memory if it has more than twice what it needs.
func TestClip(t *testing.T) {
	const need = 1000
	for room, want := range map[int]int{need: need, 2*need + minBody: 2*need + minBody, 2*need + minBody + 1: need} {
		s := &stream{length: 5000, body: &buffer{bytes: make([]byte, need, room)}}
		r := &Reader{partial: []*stream{s}, held: room}
		r.clip()
		assert.Equal(t, want, s.room())
		assert.Equal(t, want, r.held)
		assert.Equal(t, need, s.have())
	}
}
