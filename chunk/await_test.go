package chunk

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAwaitedMessageHoldsNothingBack checks a message that arrives between the chunks of another message. Next must return it at once, even
// if the Reader keeps the beginning of the other message in its read buffer.
func TestAwaitedMessageHoldsNothingBack(t *testing.T) {
	wire := unhex("04 000000 0000c8 09 01000000" + strings.Repeat("78", DefaultChunkSize) + "05 000007 000001 08 01000000 6d")
	r := NewReader(bytes.NewReader(wire), 0)
	var m Message
	require.NoError(t, r.Next(&m))
	assert.Equal(t, uint8(8), m.Type)
	assert.Equal(t, "m", string(m.Body()))
	assert.Equal(t, io.ErrUnexpectedEOF, r.Next(&m))

	r = NewReader(bytes.NewReader(wire[:20]), 0)
	require.NoError(t, r.Fill())
	ok, err := r.NextBuffered(&m)
	require.NoError(t, err)
	require.False(t, ok)
	require.NotNil(t, r.awaited)
	assert.Equal(t, io.ErrUnexpectedEOF, r.Next(&m))
}

// TestAwaitedMessageSurvivesTheBuffer checks that the read buffer shrinks when reads return few bytes. It must not shrink while it is
// filled with the beginning of a message.
func TestAwaitedMessageSurvivesTheBuffer(t *testing.T) {
	w := NewWriter()
	wire, err := w.AppendMessage(nil, &Outgoing{Type: typeSetChunkSize, ChunkStreamID: 2, Body: []byte{0, 1, 0, 0}})
	require.NoError(t, err)
	var want []string
	add := func(size int) {
		body := make([]byte, size)
		rand.NewChaCha8([32]byte{byte(len(want))}).Read(body)
		want = append(want, string(body))
		wire, err = w.AppendMessage(wire, &Outgoing{Type: 9, ChunkStreamID: 4, Body: body})
		require.NoError(t, err)
	}
	for range 1000 {
		add(200)
	}
	for range 6 {
		add(25_000)
	}
	for small := 60_000; small < 120_000; small += 4_000 { // the last bytes, which arrive in small pieces
		large, rest := len(wire)-small, wire
		got, err := readAll(readFunc(func(p []byte) (int, error) {
			if len(rest) == 0 {
				return 0, io.EOF
			}
			n := min(len(p), 150)
			if large > 0 {
				n = min(len(p), large)
			}
			large -= n
			n = copy(p[:n], rest)
			rest = rest[n:]
			return n, nil
		}), 0)
		require.Equal(t, io.EOF, err)
		require.Len(t, got, 1+len(want))
		for i, body := range want {
			require.True(t, body == got[1+i].Body, "message %d with %d bytes little by little", i, small)
		}
	}
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
