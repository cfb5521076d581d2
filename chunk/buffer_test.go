package chunk

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reused reports whether p returns a buffer of size bytes that was put back before, when it is asked for n to most bytes. It tries several
// times, since the garbage collector or the race detector may drop buffers from a pool.
func reused(p *pools, size, n, most int) bool {
	for range 100 {
		b := &buffer{bytes: make([]byte, 0, size)}
		p.Put(b)
		if p.get(n, most) == b {
			return true
		}
	}
	return false
}

func TestBuffersAreUsedAgain(t *testing.T) {
	for _, test := range []struct {
		name          string
		size, n, most int
		want          bool
	}{
		{"of the size", 512, 512, 512, true},
		{"larger", 1000, 512, 1000, true},
		{"larger than allowed", 1000, 512, 999, false},
		{"too small", 511, 512, 1000, false},
		{"the largest", keepBuffer, keepBuffer, keepBuffer, true},
		{"larger than the largest", keepBuffer + 1, keepBuffer, 2 * keepBuffer, false},
		{"far larger", 2 * keepBuffer, 2 * keepBuffer, 2 * keepBuffer, false},
		{"none", 0, 1, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, reused(new(pools), test.size, test.n, test.most))
		})
	}
}

func TestDetach(t *testing.T) {
	body := bytes.Repeat([]byte("body"), minRead/4) // too long to be left in the read buffer
	wire, err := NewWriter().AppendMessage(nil, &Outgoing{Type: 9, ChunkStreamID: 4, Body: body})
	require.NoError(t, err)

	r := NewReader(iotest.OneByteReader(bytes.NewReader(wire)), 0)
	var m Message
	require.NoError(t, r.Next(&m))
	d, ok := m.Detach()
	require.True(t, ok)
	assert.Equal(t, body, d.Bytes()[Headroom:Headroom+len(body)])
	assert.Len(t, d.Bytes(), Headroom+len(body)+Tailroom)
	assert.Zero(t, m.Len())
	assert.Empty(t, m.Body())
	_, ok = m.Detach()
	assert.False(t, ok, "a body can be detached only once")
	d.Release()
	d.Release()

	require.NoError(t, NewReader(bytes.NewReader(wire), 0).Next(&m))
	_, ok = m.Detach()
	assert.False(t, ok, "the body is in the read buffer")
	m = Message{raw: body, length: len(body), reader: &Reader{lent: &buffer{bytes: body}}}
	_, ok = m.Detach()
	assert.False(t, ok, "the body's memory has no headroom")
	m = Message{reader: &Reader{lent: new(pools).get(1, 1)}}
	_, ok = m.Detach()
	assert.False(t, ok, "the body is empty")
}

// TestReadSizes checks that reads ask for more bytes while the buffer is filled, and for fewer when little arrives.
func TestReadSizes(t *testing.T) {
	var give func(asked int) int
	r := NewReader(readerFunc(func(b []byte) (int, error) { return give(len(b)), nil }), 0)
	all := func(asked int) int { return asked }
	for _, step := range []struct {
		give func(asked int) int
		want int // size of the next read
	}{
		{all, 4 * minRead}, {all, maxRead}, {all, maxRead},
		{func(asked int) int { return asked - 1 }, maxRead},
		{func(int) int { return maxRead / 4 }, maxRead},
		{func(int) int { return maxRead/4 - 1 }, maxRead / 4},
	} {
		give = step.give
		r.pos, r.end = 0, min(len(r.buf), 1) // a part of a header is left over
		require.NoError(t, r.Fill())
		assert.Equal(t, step.want, r.size)
	}
	give = func(int) int { return 1 }
	for range 10 {
		r.pos, r.end = 0, 0
		require.NoError(t, r.Fill())
	}
	assert.Equal(t, minRead, r.size)
}

// TestProvide checks that a buffer is kept if its size is between the required size and twice that.
func TestProvide(t *testing.T) {
	r := NewReader(io.MultiReader(), 0)
	r.provide(8192)
	in := r.in
	size := len(r.buf)
	for wanted, kept := range map[int]bool{size: true, size / 2: true} {
		r.provide(wanted)
		assert.Equal(t, kept, r.in == in, "%d bytes", wanted)
	}
	r.provide(size/2 - 1)
	assert.NotSame(t, in, r.in)
	in = r.in
	r.provide(len(r.buf) + 1)
	assert.NotSame(t, in, r.in)
}
