package chunk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// scanAll assembles messages from the pieces of a Scanner, which receives the input in steps of step bytes. After every piece, it replaces
// the Scanner by a new one with the same state. It also returns the last Scanner.
func scanAll(t testing.TB, wire []byte, step int) (all []got, s *Scanner, _ error) {
	s = NewScanner()
	bodies := map[uint32][]byte{}
	for given := 0; ; {
		p, n, err := s.Scan(wire[:given])
		if n == 0 && err == nil {
			if given == len(wire) {
				return all, s, io.EOF
			}
			given = min(given+step, len(wire))
			continue
		}
		require.Equal(t, n, len(p.Header)+len(p.Payload), "%v", err)
		if p.Dropped != 0 {
			delete(bodies, p.Dropped)
		}
		if p.First {
			bodies[p.ChunkStreamID] = nil
		}
		if len(p.Payload) > 0 {
			require.Len(t, bodies[p.ChunkStreamID], int(p.Offset))
		}
		bodies[p.ChunkStreamID] = append(bodies[p.ChunkStreamID], p.Payload...)
		if err != nil {
			return all, s, err
		}
		if p.Last {
			all = append(all, got{p.Type, p.ChunkStreamID, p.StreamID, p.Timestamp, string(bodies[p.ChunkStreamID])})
			delete(bodies, p.ChunkStreamID)
		}
		wire, given = wire[n:], given-n
		again, err := NewScannerState(s.AppendState(nil))
		require.NoError(t, err)
		before := s.Tolerated()
		again.r.tolerated.missingExtended.Store(before.MissingExtended)
		again.r.tolerated.absoluteExtended.Store(before.AbsoluteExtended)
		again.r.tolerated.implicitAborts.Store(before.ImplicitAborts)
		again.r.tolerated.aborts.Store(before.Aborts)
		require.Equal(t, s.ChunkSize(), again.ChunkSize())
		require.Equal(t, s.InChunk(), again.InChunk())
		s = again
	}
}

// FuzzScanner checks that a Scanner's pieces can be assembled to the messages that a Reader returns.
func FuzzScanner(f *testing.F) {
	for seed := range uint64(4) {
		wire, _ := randomStream(rand.New(rand.NewPCG(seed, 9)), 12)
		f.Add(wire, 1)
		f.Add(wire, 1000)
	}
	f.Add(unhex("04 ffffff 0000c8 09 01000000 01000000 6161616161 c4 c4 84 ffffff 00000000"), 3)
	f.Add(unhex("02 000000 000004 01 00000000 00000002 03 000000 000004 02 00000000 0000 04 000000 000009 09 00000000 6161 c3 0004 44 000000 000001 08 61"), 5)
	f.Fuzz(func(t *testing.T, wire []byte, step int) {
		r := NewReader(bytes.NewReader(wire), 0)
		var want []got
		var m Message
		var err error
		for err = r.Next(&m); err == nil; err = r.Next(&m) {
			want = append(want, got{m.Type, m.ChunkStreamID, m.StreamID, m.Timestamp, string(m.Body())})
		}
		var broken *Error
		if errors.As(err, &broken) && broken.Detail == "bytes of unfinished messages" {
			return // a Scanner has no such limit
		}
		scanned, _, scanErr := scanAll(t, wire, max(1, step&0xFFF))
		require.Equal(t, want, scanned)
		if broken != nil {
			require.Equal(t, err, scanErr)
		} else {
			require.Equal(t, io.EOF, scanErr)
		}
	})
}

func TestScannerInChunk(t *testing.T) {
	s := NewScanner()
	require.False(t, s.InChunk())
	wire := setChunkSize(0, 0, 1, 0)
	_, n, err := s.Scan(wire) // the header
	require.NoError(t, err)
	require.True(t, s.InChunk())
	_, _, err = s.Scan(wire[n:])
	require.NoError(t, err)
	require.False(t, s.InChunk())
}

func TestScannerRefusesInvalidStates(t *testing.T) {
	wire, _ := randomStream(rand.New(rand.NewPCG(1, 9)), 12)
	s := NewScanner()
	for b := wire; len(b) > 0; {
		_, n, err := s.Scan(b[:min(len(b), 100)])
		require.NoError(t, err)
		require.NotZero(t, n)
		b = b[n:]
		state := s.AppendState(nil)
		for i := range state {
			_, err := NewScannerState(state[:i])
			require.Error(t, err)
		}
	}
	_, err := NewScannerState(append(s.AppendState(nil), 0))
	require.Error(t, err)
}

// Indexes of the numbers in a state.
const (
	numChunkSize = iota
	numCurrent
	numLeft
	numStreams
	numID
	numFlags
	numFormat
	numType
	numTimestamp
	numDelta
	numLength
	numStreamID
	numExtension
	numScanned
	numBasicSize
	numbers
)

// TestScannerStateLimits checks the limit of every number in a state.
func TestScannerStateLimits(t *testing.T) {
	const partial, full = stateBegun | statePartial, 1<<32 - 1
	valid := [numbers]uint64{numChunkSize: 128, numCurrent: 3, numLeft: 6, numStreams: 1, numID: 3, numFlags: partial, numType: 9,
		numLength: 10, numStreamID: 1, numScanned: 4, numBasicSize: 1}
	for _, test := range []struct {
		name        string
		number      int
		most, least uint64 // the largest and the smallest valid number
	}{
		{"chunk size", numChunkSize, MaxMessageLength, 1},
		{"current chunk stream", numCurrent, 3, 3},
		{"bytes left of the chunk", numLeft, 6, 1},
		{"chunk streams", numStreams, 1, 1},
		{"id", numID, 3, 3},
		{"flags", numFlags, 15, statePartial},
		{"format", numFormat, 3, 0},
		{"type", numType, 255, 0},
		{"timestamp", numTimestamp, full, 0},
		{"delta", numDelta, full, 0},
		{"length", numLength, MaxMessageLength, 10},
		{"message stream", numStreamID, full, 0},
		{"extended timestamp", numExtension, full, 0},
		{"bytes scanned", numScanned, 4, 0},
		{"basic header", numBasicSize, 3, 0},
	} {
		state := func(value uint64) (b []byte) {
			numbers := valid
			numbers[test.number] = value
			for _, n := range numbers {
				b = binary.AppendUvarint(b, n)
			}
			return append(b, make([]byte, numbers[numBasicSize])...)
		}
		for _, value := range []uint64{test.least, test.most} {
			s, err := NewScannerState(state(value))
			require.NoError(t, err, "%s %d", test.name, value)
			require.Equal(t, state(value), s.AppendState(nil), "%s %d", test.name, value)
		}
		_, err := NewScannerState(state(test.most + 1))
		require.Equal(t, errState, err, "%s %d", test.name, test.most+1)
		if test.least > 0 {
			_, err := NewScannerState(state(test.least - 1))
			require.Equal(t, errState, err, "%s %d", test.name, test.least-1)
		}
	}

	streams := func(n uint64, scanned byte) (b []byte) { // n streams, each with a message of 10 bytes of which scanned bytes have been scanned
		for _, v := range []uint64{128, 0, 0, n} {
			b = binary.AppendUvarint(b, v)
		}
		for id := range n {
			b = binary.AppendUvarint(b, 2+id)
			b = append(b, partial, 0, 9, 0, 0, 10, 1, 0, scanned, 1, 0)
		}
		return b
	}
	_, err := NewScannerState(streams(maxPartials, 9))
	require.NoError(t, err)
	_, err = NewScannerState(streams(maxPartials+1, 9))
	require.Equal(t, errState, err, "unfinished messages")
	_, err = NewScannerState(streams(1, 10))
	require.Equal(t, errState, err, "unfinished, but whole")
}

func FuzzScannerState(f *testing.F) {
	wire, _ := randomStream(rand.New(rand.NewPCG(1, 9)), 12)
	s := NewScanner()
	for b := wire; len(b) > 0; {
		_, n, _ := s.Scan(b)
		b = b[n:]
		f.Add(s.AppendState(nil), wire)
	}
	f.Fuzz(func(t *testing.T, state, wire []byte) {
		s, err := NewScannerState(state)
		if err != nil {
			return
		}
		for {
			p, n, err := s.Scan(wire)
			if n == 0 || err != nil {
				return
			}
			require.LessOrEqual(t, uint64(p.Offset)+uint64(len(p.Payload)), uint64(p.Length))
			wire = wire[n:]
		}
	})
}
