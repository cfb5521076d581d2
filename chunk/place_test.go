package chunk

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lender is a Placer. It checks that the Reader uses the memory only while it may.
type lender struct {
	t      testing.TB
	size   func() int // size of the memory in bytes
	memory []byte     // what the Reader must not use any more
	lent   []byte     // what the Reader may use
	placed int        // bytes of bodies that were in the memory
	calls  int
}

func (l *lender) place(_ uint8, _ uint32, length int) []byte {
	l.end()
	l.calls++
	l.lent = make([]byte, max(0, min(l.size(), length+50)))
	return l.lent
}

// end ends the use of the memory.
func (l *lender) end() {
	for _, b := range l.memory {
		if b != 0xEE {
			require.Fail(l.t, "memory was used although it had been taken back")
		}
	}
	for i := range l.lent {
		l.lent[i] = 0xEE
	}
	l.memory, l.lent = l.lent, nil
}

// message checks the ways to copy a message that has just been read.
func (l *lender) message(m *Message) {
	n := m.Placed()
	l.placed += n
	if n == 0 {
		l.end() // the caller may use the memory for m
	}
	whole := make([]byte, m.Len())
	require.Equal(l.t, len(whole), m.CopyTo(whole))
	if n > 0 {
		require.True(l.t, bytes.Equal(whole[:n], l.lent[:n]))
		require.Equal(l.t, min(len(l.lent), m.Len()), n, "the memory is filled before other memory is used")
		if len(l.lent) >= m.Len() {
			m.CopyTo(l.lent)
			require.True(l.t, bytes.Equal(whole, l.lent[:m.Len()]))
		}
	}
	for _, off := range []int{0, n / 2, n, (n + m.Len()) / 2, m.Len()} {
		for _, size := range []int{0, 1, n / 2, m.Len()} {
			part := make([]byte, min(size, m.Len()-off))
			m.CopyAt(part, off)
			require.True(l.t, bytes.Equal(whole[off:off+len(part)], part), "at %d of %d, %d placed", off, m.Len(), n)
		}
	}
}

// body returns the body of m, in two pieces if detach is true.
func (l *lender) body(m *Message, detach bool) string {
	n := m.Placed()
	if !detach || n == 0 {
		return string(m.Body())
	}
	head := string(l.lent[:n])
	d, ok := m.Detach()
	if !ok {
		require.Len(l.t, m.Body(), n)
		return head
	}
	defer d.Release()
	return head + string(d.Bytes()[Headroom:len(d.Bytes())-Tailroom])
}

// readAllPlaced is readAllVectored for a Reader with a Placer.
func readAllPlaced(l *lender, v *vectored, limit int) (all []got, _ error) {
	r := NewReader(v, limit)
	r.SetPlacer(l.place)
	for calls := 0; ; calls++ {
		var m Message
		err := r.Next(&m)
		switch {
		case err == os.ErrDeadlineExceeded && calls%2 == 0:
			continue // the caller goes on reading into the same memory
		case err != nil && err != os.ErrDeadlineExceeded:
			l.end()
			return all, err
		case err == nil:
			l.message(&m)
			all = append(all, got{m.Type, m.ChunkStreamID, m.StreamID, m.Timestamp, l.body(&m, calls%2 == 0)})
		}
		r.ReleaseBuffer()
		l.end()
	}
}

// TestPlacedMessages checks that messages are the same if they are read to the caller's memory, and that this memory is not used for longer
// than agreed.
func TestPlacedMessages(t *testing.T) {
	placed := 0
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 6))
		chunkSize := []int{scatterChunk, 20_000, 4096, 40_000}[seed%4]
		wire := interleavedStream(rnd, chunkSize, 8, []float64{0, 0.1, 0.5}[seed%3])
		want, wantErr := readAll(bytes.NewReader(wire), 0)
		require.NotEmpty(t, want)
		for name, size := range map[string]func() int{
			"all at once": func() int { return 1 << 30 },
			"in pieces":   func() int { return rnd.IntN(3 * chunkSize) },
			"in bursts":   func() int { return rnd.IntN(2) * rnd.IntN(3*maxFastRead) },
		} {
			for _, impatient := range []bool{false, true} {
				l := &lender{t: t, size: func() int { return rnd.IntN(8) * rnd.IntN(maxFastRead) }}
				all, err := readAllPlaced(l, &vectored{wire: bytes.Clone(wire), size: size, impatient: impatient}, 0)
				require.Equal(t, len(want), len(all), "%s, seed %d", name, seed)
				require.True(t, assert.ObjectsAreEqual(want, all), "%s, seed %d", name, seed)
				require.Equal(t, wantErr, err, "%s, seed %d", name, seed)
				placed += l.placed
			}
		}
	}
	assert.Greater(t, placed, 4<<20)
}

// TestDroppedMessageLeavesItsPlace checks that a message in the caller's memory can be aborted, and that the memory is used for the next
// message.
func TestDroppedMessageLeavesItsPlace(t *testing.T) {
	const chunkSize = 64 << 10
	wire := equalMessages(t, chunkSize, 1, 3*chunkSize)
	wire = wire[:len(wire)-chunkSize-1] // the last chunk and its header are missing
	before := len(wire)
	w := NewWriter()
	_, err := w.AppendMessage(nil, &Outgoing{Type: typeSetChunkSize, ChunkStreamID: 2, Body: []byte{0, 1, 0, 0}}) // it is in wire already
	require.NoError(t, err)
	wire, err = w.AppendMessage(wire, &Outgoing{Type: typeAbort, ChunkStreamID: 2, Body: []byte{0, 0, 0, 4}})
	require.NoError(t, err)
	next := bytes.Repeat([]byte("next"), chunkSize)
	wire, err = w.AppendMessage(wire, &Outgoing{Type: 9, ChunkStreamID: 4, StreamID: 1, Body: next})
	require.NoError(t, err)

	total := len(wire)
	v := &vectored{wire: wire}
	v.size = func() int { // no read goes on after before; otherwise direct reads would pause
		if read := total - len(v.wire); read < before {
			return before - read
		}
		return 1 << 30
	}
	l := &lender{t: t, size: func() int { return 3*chunkSize + 10 }}
	all, err := readAllPlaced(l, v, 0)
	require.Equal(t, io.EOF, err)
	require.Len(t, all, 3, "Set Chunk Size, Abort, and the message after it")
	assert.True(t, all[2].Body == string(next))
	assert.Equal(t, 3*chunkSize+10, l.placed)
}

// TestWithdrawnMessageStaysWithdrawn checks that short messages between the chunks of a long one do not make the Reader copy the long one
// each time.
func TestWithdrawnMessageStaysWithdrawn(t *testing.T) {
	const chunkSize, chunks = 4 << 10, 100 // with larger chunks, direct reads would pause
	long := equalMessages(t, chunkSize, 1, chunks*chunkSize)
	first := len(long) - (chunks-1)*(chunkSize+1) // with Set Chunk Size
	wire := bytes.Clone(long[:first])
	for at := first; at < len(long); at += chunkSize + 1 {
		wire = append(wire, unhex("05 000007 000001 09 01000000 6d")...)
		wire = append(wire, long[at:at+chunkSize+1]...)
	}
	l := &lender{t: t, size: func() int { return 1 << 30 }}
	all, err := readAllPlaced(l, &vectored{wire: wire, size: func() int { return chunkSize / 2 }}, 0)
	require.Equal(t, io.EOF, err)
	require.Len(t, all, 1+chunks)
	require.Len(t, all[chunks].Body, chunks*chunkSize)
	assert.Equal(t, 1, l.calls)
}
