package chunk

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCopyAt copies every part of a body that lies in one piece, and of one that lies in several chunks of the read buffer.
func TestCopyAt(t *testing.T) {
	body := make([]byte, 300)
	for i := range body {
		body[i] = byte(i)
	}
	wire, err := NewWriter().AppendMessage(nil, &Outgoing{Type: 9, ChunkStreamID: 70, Body: body})
	require.NoError(t, err)
	var m Message
	require.NoError(t, NewReader(bytes.NewReader(wire), 0).Next(&m))
	require.NotZero(t, m.stride)
	check := func() {
		for off := range len(body) + 1 {
			for n := range len(body) + 2 {
				dst := make([]byte, n)
				m.CopyAt(dst, off)
				want := make([]byte, n)
				copy(want, body[off:])
				require.Equal(t, want, dst, "%d bytes from %d on", n, off)
			}
		}
	}
	check()
	m.Body() // joins the chunks
	require.Zero(t, m.stride)
	check()
}

// TestCopiesOfMessages checks that copies of a Message share one body. If each took its own memory, the first one's would return to the pool
// while the caller uses it.
func TestCopiesOfMessages(t *testing.T) {
	body := bytes.Repeat([]byte("abc"), DefaultChunkSize)
	wire, err := NewWriter().AppendMessage(nil, &Outgoing{Type: 9, ChunkStreamID: 4, Body: body})
	require.NoError(t, err)
	r := NewReader(bytes.NewReader(wire), 0)
	var m Message
	require.NoError(t, r.Next(&m))
	second, third := m, m
	first := m.Body()
	require.Equal(t, body, first)
	assert.Same(t, &first[0], &second.Body()[0])
	d, ok := third.Detach()
	require.True(t, ok)
	whole := d.Bytes()
	assert.Equal(t, body, whole[Headroom:len(whole)-Tailroom])
}
