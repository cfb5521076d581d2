package capturefile

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

func chunked(t *testing.T, id uint32, typ message.Type, body []byte) []byte {
	t.Helper()
	b, err := chunk.NewWriter().AppendMessage(nil, &chunk.Outgoing{Type: uint8(typ), ChunkStreamID: id, Body: body})
	require.NoError(t, err)
	return b
}

// filtered passes pieces to a Filter whose Edit converts bodies to upper case. tooLong counts messages that were too long.
func filtered(t *testing.T, pieces ...[]byte) (out []byte, tooLong int) {
	t.Helper()
	f := Filter{Holds: holds, Edit: func(m *Message) { copy(m.Body, bytes.ToUpper(m.Body)) },
		Emit: func(b []byte) { out = append(out, b...) }, Overflow: func() { tooLong++ }}
	for _, b := range pieces {
		require.Zero(t, f.Write(b))
	}
	f.Close()
	return out, tooLong
}

// TestFilterBlanksWhatIsNotComplete checks that the body of an incomplete message is replaced by zeros.
func TestFilterBlanksWhatIsNotComplete(t *testing.T) {
	const command = message.TypeCommandAMF0
	long := chunked(t, 3, command, bytes.Repeat([]byte("secret"), 50)) // a message of three chunks
	first := long[:12+chunk.DefaultChunkSize]
	blank := append(bytes.Clone(first[:12]), make([]byte, chunk.DefaultChunkSize)...)
	next := chunked(t, 3, command, []byte("next"))
	abort := chunked(t, 2, message.TypeAbort, []byte{0, 0, 0, 3})
	capital := func(b []byte) []byte {
		return append(bytes.Clone(b[:12]), bytes.ToUpper(b[12:])...)
	}
	for _, test := range []struct {
		name     string
		in, want []byte
	}{
		{"complete", next, capital(next)},
		{"the session ends", first, blank},
		{"another begins", append(bytes.Clone(first), next...), append(bytes.Clone(blank), capital(next)...)},
		{"an Abort", append(append(bytes.Clone(first), abort...), next...), append(append(bytes.Clone(blank), abort...), capital(next)...)},
		{"an Abort of nothing", append(bytes.Clone(abort), next...), append(bytes.Clone(abort), capital(next)...)},
		{"a part of a header", append(bytes.Clone(next), 3, 0, 0), append(capital(next), 3, 0, 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, tooLong := filtered(t, test.in)
			assert.Equal(t, test.want, out)
			assert.Zero(t, tooLong)
			var pieces [][]byte
			for i := range test.in {
				pieces = append(pieces, test.in[i:i+1])
			}
			out, _ = filtered(t, pieces...)
			assert.Equal(t, test.want, out, "byte by byte")
		})
	}
}

// TestFilterHoldsOnlySoMuch checks that a message longer than maxHeld is replaced by zeros, unless the piece that exceeds the limit
// completes it.
func TestFilterHoldsOnlySoMuch(t *testing.T) {
	long := chunked(t, 3, message.TypeCommandAMF0, bytes.Repeat([]byte("s"), maxHeld))
	after := chunked(t, 4, message.TypeCommandAMF0, []byte("after"))
	out, tooLong := filtered(t, long[:maxHeld], long[maxHeld:], after)
	assert.Zero(t, tooLong)
	assert.NotContains(t, string(out), "s")
	assert.Contains(t, string(out), "SSS")

	out, tooLong = filtered(t, long[:maxHeld+1], long[maxHeld+1:], after)
	assert.Equal(t, 1, tooLong)
	assert.NotContains(t, strings.ToLower(string(out[:len(long)])), "s")
	assert.Len(t, out, len(long)+len(after))
	assert.True(t, bytes.HasSuffix(out, []byte("AFTER")))
}

// TestFilterReleasesItsMemory checks that a Filter keeps at most maxHeld bytes of memory after a long message.
func TestFilterReleasesItsMemory(t *testing.T) {
	f := Filter{Holds: holds, Edit: func(*Message) {}, Emit: func([]byte) {}}
	require.Zero(t, f.Write(chunked(t, 3, message.TypeCommandAMF0, make([]byte, 2*maxHeld))))
	assert.LessOrEqual(t, cap(f.held), maxHeld)
	require.Zero(t, f.Write(chunked(t, 4, message.TypeCommandAMF0, make([]byte, 1000))))
	memory := &f.held[:1][0]
	require.Zero(t, f.Write(chunked(t, 5, message.TypeCommandAMF0, make([]byte, 1000))))
	assert.Same(t, memory, &f.held[:1][0], "smaller buffers are kept")
}
