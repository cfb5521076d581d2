package chunk

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vectored is a Vectored source that returns the bytes of wire. size returns the number of bytes of each read. Sometimes there is nothing
// to read, and sometimes the deadline passes.
type vectored struct {
	wire      []byte
	size      func() int
	impatient bool // every read fails once before it returns bytes
	failed    bool
	slots     int // number of slices passed to reads, except the last slice of each read
	direct    int // bytes that were read into slots
}

func (v *vectored) Read([]byte) (int, error) { panic("a Vectored source must not be read with Read") }

func (v *vectored) ReadVector(to Vector) (n int, _ error) {
	if len(v.wire) == 0 {
		return 0, io.EOF
	}
	if v.failed = v.impatient && !v.failed; v.failed {
		for _, b := range to.Lend() {
			clear(b) // the contents must not matter
		}
		to.Reclaim()
		return 0, os.ErrDeadlineExceeded
	}
	left := min(max(1, v.size()), len(v.wire))
	slots := to.Lend()
	for i, b := range slots {
		k := copy(b, v.wire[:min(left, len(b))])
		if i > 0 && i == len(slots)-1 && k > 0 {
			v.slots += i
		}
		if i < len(slots)-1 {
			v.direct += k
		}
		v.wire, left, n = v.wire[k:], left-k, n+k
	}
	return n, nil
}

func readAllVectored(t testing.TB, v *vectored, limit int) (all []got, _ error) {
	r := NewReader(v, limit)
	for {
		var m Message
		err := r.Next(&m)
		if err == os.ErrDeadlineExceeded {
			continue
		}
		if err != nil {
			return all, err
		}
		all = append(all, got{m.Type, m.ChunkStreamID, m.StreamID, m.Timestamp, string(m.Body())})
		if len(all)%3 == 0 {
			if d, ok := m.Detach(); ok {
				b := d.Bytes()
				require.Equal(t, all[len(all)-1].Body, string(b[Headroom:len(b)-Tailroom]))
				clear(b) // the memory belongs to the test
				d.Release()
			}
		}
		if len(all)%5 == 0 {
			r.ReleaseBuffer()
		}
	}
}

// interleavedStream returns messages on several chunk streams, in chunks of the given size. The chunks of different messages sometimes
// alternate.
func interleavedStream(rnd *rand.Rand, chunkSize, messages int, turns float64) (wire []byte) {
	w := NewWriter()
	wire, _ = w.AppendMessage(wire, &Outgoing{Type: typeSetChunkSize, ChunkStreamID: 2, Body: binary.BigEndian.AppendUint32(nil, uint32(chunkSize))})
	ids := []uint32{4, 6, 70, 400}
	pending := make([][][]byte, len(ids)) // chunks to come
	for sent := 0; ; {
		i := rnd.IntN(len(ids))
		if len(pending[i]) == 0 {
			if sent == messages {
				if len(pending[0])+len(pending[1])+len(pending[2])+len(pending[3]) == 0 {
					return wire
				}
				continue
			}
			sent++
			body := make([]byte, rnd.IntN(12)*rnd.IntN(3*chunkSize))
			for k := range body {
				body[k] = byte(rnd.Uint32())
			}
			o := Outgoing{Type: 9, ChunkStreamID: ids[i], StreamID: 1, Timestamp: rnd.Uint32N(1 << 25), Body: body}
			whole, _ := w.AppendMessage(nil, &o)
			step := chunkSize + len(appendBasicHeader(nil, Format3, ids[i]))
			if o.Timestamp >= extendedMark {
				step += 4
			}
			first := len(whole) - len(body) - (max(0, len(body)-1)/chunkSize)*(step-chunkSize) + chunkSize
			for at := first; at < len(whole); at += step {
				pending[i] = append(pending[i], whole[at-first:at])
				whole, at = whole[at:], 0
				first = step
			}
			pending[i] = append(pending[i], whole)
		}
		for len(pending[i]) > 0 {
			wire = append(wire, pending[i][0]...)
			pending[i] = pending[i][1:]
			if rnd.Float64() < turns {
				break
			}
		}
	}
}

// TestScatteredReads checks that the messages and the final error are the same, however the bytes arrive and wherever they are read to.
func TestScatteredReads(t *testing.T) {
	for seed := range uint64(24) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		chunkSize := []int{scatterChunk - 1, scatterChunk, 4096, 20_000}[seed%4]
		wire := interleavedStream(rnd, chunkSize, 8, []float64{0, 0.01, 0.3}[seed%3])
		wire = wire[:len(wire)-int(seed%7)*rnd.IntN(100)]
		want, wantErr := readAll(bytes.NewReader(wire), 0)
		require.NotEmpty(t, want)
		for name, size := range map[string]func() int{
			"all at once":  func() int { return 1 << 30 },
			"in pieces":    func() int { return rnd.IntN(3 * chunkSize) },
			"by the chunk": func() int { return chunkSize },
			"and header":   func() int { return chunkSize + 1 + rnd.IntN(3) },
			"in bursts":    func() int { return rnd.IntN(2) * rnd.IntN(3*maxFastRead) },
		} {
			for _, impatient := range []bool{false, true} {
				all, err := readAllVectored(t, &vectored{wire: bytes.Clone(wire), size: size, impatient: impatient}, 0)
				require.Equal(t, len(want), len(all), "%s, seed %d", name, seed)
				require.Equal(t, want, all, "%s, seed %d", name, seed)
				require.Equal(t, wantErr, err, "%s, seed %d", name, seed)
			}
		}
	}
}

// TestScatterIsUsed checks that long messages are read directly to their destination. This must also be so again after other messages have
// arrived in between.
func TestScatterIsUsed(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, turns := range []float64{0, 0.05} {
		v := &vectored{wire: interleavedStream(rnd, 2*scatterChunk, 300, turns), size: func() int { return 60_000 }} // too few to fill a read
		_, err := readAllVectored(t, v, 0)
		require.Equal(t, io.EOF, err)
		assert.Greater(t, v.slots, 50, "chunks and headers read directly to their destinations")
	}
	v := &vectored{wire: interleavedStream(rnd, scatterChunk-1, 30, 0), size: func() int { return 200_000 }}
	_, err := readAllVectored(t, v, 0)
	require.Equal(t, io.EOF, err)
	assert.Zero(t, v.slots, "with small chunks it costs more than it saves")
}

// TestMoreChunksThanOneReadScatters checks a message that has more chunks than one scattered read can fill.
func TestMoreChunksThanOneReadScatters(t *testing.T) {
	w := NewWriter()
	wire, err := w.AppendMessage(nil, &Outgoing{Type: typeSetChunkSize, ChunkStreamID: 2, Body: binary.BigEndian.AppendUint32(nil, scatterChunk)})
	require.NoError(t, err)
	body := make([]byte, 3*maxScattered*scatterChunk)
	for i := range body {
		body[i] = byte(i / 1000)
	}
	for range 2 { // the second gets all its memory at once
		wire, err = w.AppendMessage(wire, &Outgoing{Type: 9, ChunkStreamID: 4, Body: body})
		require.NoError(t, err)
	}
	v := &vectored{wire: wire, size: func() int { return 1 << 30 }}
	all, err := readAllVectored(t, v, 0)
	require.Equal(t, io.EOF, err)
	require.Len(t, all, 3)
	for _, m := range all[1:] {
		assert.True(t, m.Body == string(body))
	}
	assert.GreaterOrEqual(t, v.slots, 4*maxScattered)
}

// TestLongMessagesAreReadDirectly checks that the beginning of a long message is not read together with the end of the previous one, since
// the beginning would then have to be copied.
func TestLongMessagesAreReadDirectly(t *testing.T) {
	const messages, size = 20, 80_000
	v := &vectored{wire: equalMessages(t, scatterChunk, messages, size), size: func() int { return 1 << 30 }}
	all, err := readAllVectored(t, v, 0)
	require.Equal(t, io.EOF, err)
	require.Len(t, all, 1+messages)
	assert.Greater(t, v.direct, messages*size*8/10) // the memory of the first message grows
}

// equalMessages returns messages whose bodies have size bytes.
func equalMessages(t *testing.T, chunkSize, messages, size int) (wire []byte) {
	w := NewWriter()
	wire, err := w.AppendMessage(nil, &Outgoing{Type: typeSetChunkSize, ChunkStreamID: 2, Body: binary.BigEndian.AppendUint32(nil, uint32(chunkSize))})
	require.NoError(t, err)
	for range messages {
		wire, err = w.AppendMessage(wire, &Outgoing{Type: 9, ChunkStreamID: 4, StreamID: 1, Body: make([]byte, size)})
		require.NoError(t, err)
	}
	return wire
}

// TestWaitingHoldsNothing checks that a Reader holds no buffer while it waits.
func TestWaitingHoldsNothing(t *testing.T) {
	w := NewWriter()
	wire, err := w.AppendMessage(nil, &Outgoing{Type: 9, ChunkStreamID: 4, Body: make([]byte, 1000)})
	require.NoError(t, err)
	v := &vectored{wire: wire, size: func() int { return 1 << 20 }}
	r := NewReader(v, 0)
	var m Message
	require.NoError(t, r.Next(&m))
	require.NotNil(t, r.in)
	v.wire, v.impatient = wire, true
	require.ErrorIs(t, r.Next(&m), os.ErrDeadlineExceeded)
	assert.Nil(t, r.in)
	require.NoError(t, r.Next(&m))
	r.ReleaseBuffer()
	assert.Nil(t, r.in)
}

// TestBufferFollowsTheReads checks a source that needs a buffer while it waits. The buffer must be small until reads fill it, and must
// become small again later.
func TestBufferFollowsTheReads(t *testing.T) {
	rest := bytes.NewReader(make([]byte, 1<<20))
	size, most := 1<<20, 0
	r := NewReader(readerFunc(func(b []byte) (int, error) {
		most = max(most, len(b))
		return rest.Read(b[:min(size, len(b))])
	}), 0)
	read := func() {
		require.NoError(t, r.Fill())
		r.pos = r.end // as if the bytes were parsed
	}
	read()
	assert.Less(t, most, 2*minRead)
	for range 4 {
		read()
	}
	assert.GreaterOrEqual(t, most, maxRead)
	size = 100
	for range 8 {
		read()
	}
	assert.Less(t, len(r.buf), 3*minRead)
	r.ReleaseBuffer()
	assert.Empty(t, r.buf)
}

func FuzzScatter(f *testing.F) {
	f.Add(uint64(1), uint16(4096), []byte{})
	f.Add(uint64(2), uint16(2048), []byte{0x44, 0, 0, 0, 0, 0, 0})
	f.Add(uint64(3), uint16(60000), []byte{0x44})
	f.Fuzz(func(t *testing.T, seed uint64, chunkSize uint16, tail []byte) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		wire := interleavedStream(rnd, max(1, int(chunkSize)), 8, rnd.Float64()*0.5)
		wire = append(wire[:len(wire)-rnd.IntN(min(len(wire), 9))], tail...)
		const limit = 8 << 20 // more than the messages need, since the limit on memory is not reached at the same byte in all cases
		want, wantErr := readAll(bytes.NewReader(wire), limit)
		size := func() int { return rnd.IntN(20_000) }
		if seed%3 == 0 {
			size = func() int { return rnd.IntN(2 * maxFastRead) } // reads grow
		}
		all, err := readAllVectored(t, &vectored{wire: bytes.Clone(wire), size: size, impatient: seed%2 == 0}, limit)
		require.Equal(t, want, all)
		require.Equal(t, wantErr, err)

		l := &lender{t: t, size: func() int { return rnd.IntN(1 << 18) }}
		all, err = readAllPlaced(l, &vectored{wire: wire, size: func() int { return rnd.IntN(300_000) }, impatient: seed%2 == 0}, limit)
		require.Equal(t, want, all)
		require.Equal(t, wantErr, err)
	})
}
