package chunk

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// scanAll assembles messages from the pieces of a Scanner. The Scanner receives step more bytes at a time, and is replaced by a new
// one with its state after every piece.
func scanAll(t testing.TB, wire []byte, step int) (all []got, _ error) {
	s := NewScanner()
	bodies := map[uint32][]byte{}
	for given := 0; ; {
		p, n, err := s.Scan(wire[:given])
		if n == 0 && err == nil {
			if given == len(wire) {
				return all, io.EOF
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
			return all, err
		}
		if p.Last {
			all = append(all, got{p.Type, p.ChunkStreamID, p.StreamID, p.Timestamp, string(bodies[p.ChunkStreamID])})
			delete(bodies, p.ChunkStreamID)
		}
		wire, given = wire[n:], given-n
		again, err := NewScannerState(s.AppendState(nil))
		require.NoError(t, err)
		again.r.tolerated = s.r.tolerated
		require.Equal(t, s.ChunkSize(), again.ChunkSize())
		require.Equal(t, s.InChunk(), again.InChunk())
		s = again
	}
}

// FuzzScanner checks that the pieces of a Scanner make the messages that a Reader returns.
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
		scanned, scanErr := scanAll(t, wire, max(1, step&0xFFF))
		require.Equal(t, want, scanned)
		if broken != nil {
			require.Equal(t, err, scanErr)
		} else {
			require.Equal(t, io.EOF, scanErr)
		}
	})
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
