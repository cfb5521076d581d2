package chunk

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// readAllMessages reads until an error and returns it.
func readAllMessages(r *Reader) error {
	for {
		var m Message
		if err := r.Next(&m); err != nil {
			return err
		}
	}
}

// TestChunkStreamsAreBounded checks that a peer can't make the Reader keep state for every possible chunk stream.
func TestChunkStreamsAreBounded(t *testing.T) {
	var in []byte
	for id := uint32(2); id <= MaxChunkStreamID; id++ {
		in = append(appendBasicHeader(in, Format0, id), make([]byte, 11)...)
	}
	r := NewReader(bytes.NewReader(in), 0)
	var bad *Error
	require.ErrorAs(t, readAllMessages(r), &bad)
	require.Equal(t, "memory of chunk streams, bytes", bad.Detail)
	require.Equal(t, maxStreamBytes+streamSize, bad.Value)
	require.Len(t, r.high, maxStreamBytes/streamSize, "the number of chunk streams when the limit was reached")
}

// TestAbortMakesNoChunkStream checks that an Abort of an unused chunk stream creates no state.
func TestAbortMakesNoChunkStream(t *testing.T) {
	w := NewWriter()
	var in []byte
	for id := uint32(0); id < 20_000; id++ {
		in, _ = w.AppendMessage(in, &Outgoing{Type: typeAbort, ChunkStreamID: 2, Body: []byte{0, 0, byte(id >> 8), byte(id)}})
	}
	r := NewReader(bytes.NewReader(in), 0)
	require.Equal(t, io.EOF, readAllMessages(r))
	require.Empty(t, r.high)
	require.Zero(t, r.Tolerated().Aborts)
	used := 0
	for _, s := range r.low {
		if s != nil {
			used++
		}
	}
	require.Equal(t, 1, used)
}

// interleaved is a source of messages of the given lengths, each on its own chunk stream, with their chunks in random order. Each read
// first calls check, and then returns one chunk.
func interleaved(lengths []int, check func()) io.Reader {
	rnd := rand.New(rand.NewPCG(1, 2))
	left := slices.Clone(lengths)
	begun := make([]bool, len(lengths))
	return readerFunc(func(b []byte) (int, error) {
		check()
		var open []int
		for i, n := range left {
			if n > 0 {
				open = append(open, i)
			}
		}
		if len(open) == 0 {
			return 0, io.EOF
		}
		i := open[rnd.IntN(len(open))]
		format, header := Format3, []byte(nil)
		if n := lengths[i]; !begun[i] {
			format, header = Format0, []byte{0, 0, 0, byte(n >> 16), byte(n >> 8), byte(n), 9, 1, 0, 0, 0}
		}
		chunk := append(appendBasicHeader(nil, format, uint32(3+i)), header...)
		size := min(left[i], DefaultChunkSize)
		begun[i], left[i] = true, left[i]-size
		return copy(b, append(chunk, make([]byte, size)...)), nil
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// TestPartialMessagesMemory checks that unfinished messages never hold more memory than allowed, whatever buffers the pools contain. It
// also checks that messages whose total length is within the limit are all read.
func TestPartialMessagesMemory(t *testing.T) {
	const maxSize = 256 << 10
	const limit = maxPartialMessages * maxSize
	for name, test := range map[string]struct {
		lengths []int
		fits    bool
	}{
		"two of the largest":     {[]int{maxSize, maxSize}, true},
		"of all sizes":           {[]int{100, 300, 5000, 7000, 9000, 11_000, 90_000, 100_000, 120_000, 150_000}, true},
		"three of the largest":   {[]int{maxSize, maxSize, maxSize}, false},
		"many that are too much": {slices.Repeat([]int{20_000}, 100), false},
	} {
		t.Run(name, func(t *testing.T) {
			for range 16 { // buffers of other connections
				buffers.Put(&buffer{bytes: make([]byte, 0, keepBuffer)})
			}
			var r *Reader
			most := 0
			r = NewReader(interleaved(test.lengths, func() {
				held := 0
				for _, s := range r.low {
					if s != nil && s.body != nil {
						held += cap(s.body.bytes)
					}
				}
				for _, s := range r.high {
					if s.body != nil {
						held += cap(s.body.bytes)
					}
				}
				most = max(most, held)
			}), maxSize)
			err := readAllMessages(r)
			require.LessOrEqual(t, most, limit)
			if test.fits {
				require.Equal(t, io.EOF, err)
				require.Zero(t, r.held)
				return
			}
			var bad *Error
			require.ErrorAs(t, err, &bad)
			require.Equal(t, "bytes of unfinished messages", bad.Detail)
		})
	}
}

// TestMemoryIsEarned checks that a peer that has sent one large message can't make the Reader allocate its length again for each message
// that it only begins.
func TestMemoryIsEarned(t *testing.T) {
	const length, begun = 4 << 20, 100
	header := func(id uint32) []byte {
		return append(appendBasicHeader(nil, Format0, id), 0, 0, 0, length>>16, 0, 0, 9, 1, 0, 0, 0)
	}
	payload := make([]byte, DefaultChunkSize)
	in := append(header(4), payload...)
	for range length/DefaultChunkSize - 1 {
		in = append(appendBasicHeader(in, Format3, 4), payload...)
	}
	for range begun {
		in = append(append(in, header(4)...), payload...)
		in = append(in, protocolControl(typeAbort, 0, 0, 0, 4)...)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := NewReader(bytes.NewReader(in), 0)
	require.Equal(t, io.EOF, readAllMessages(r))
	runtime.ReadMemStats(&after)
	require.EqualValues(t, begun, r.Tolerated().Aborts)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(5*length),
		"twice for the large message, which doubles its memory, and once in advance")
}

// TestPartOfAHeaderHoldsNoBuffer checks that a connection that stops inside a chunk header holds no read buffer, and that the message is
// read when its other bytes arrive.
func TestPartOfAHeaderHoldsNoBuffer(t *testing.T) {
	o := &Outgoing{Type: 9, ChunkStreamID: 70, StreamID: 1, Timestamp: extendedMark, Body: []byte("body")}
	wire, err := NewWriter().AppendMessage(nil, o)
	require.NoError(t, err)
	for cut := 1; cut < len(wire)-len(o.Body); cut++ {
		for _, before := range [][]byte{nil, wire} {
			v := &vectored{size: func() int { return 1 << 30 }}
			r := NewReader(v, 0)
			var m Message
			v.wire = slices.Concat(before, wire[:cut])
			if before != nil {
				require.NoError(t, r.Next(&m))
			}
			ok, err := r.NextBuffered(&m)
			require.NoError(t, err)
			require.False(t, ok)
			if before == nil {
				require.NoError(t, r.Fill())
			}
			for range 2 { // the deadline passes
				v.wire, v.impatient, v.failed = wire[cut:], true, false
				require.Equal(t, os.ErrDeadlineExceeded, r.Next(&m))
				require.Nil(t, r.in, "%d bytes of the header", cut)
			}
			require.NoError(t, r.Next(&m))
			require.Equal(t, o.Body, m.Body())
			require.Equal(t, o.Timestamp, m.Timestamp)
		}
	}
}
