package chunk

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// naive reads a whole byte stream in a simple way, written from the specification. It returns only copies.
func naive(wire []byte) (all []got) {
	type state struct {
		ts, delta, length, sid, ext uint32
		typ                         uint8
		isExt, partial              bool
		body                        []byte
	}
	streams := map[uint32]*state{}
	size := 128
	for len(wire) > 0 {
		f, id := wire[0]>>6, uint32(wire[0]&63)
		n := 1
		switch id {
		case 0:
			id, n = uint32(wire[1])+64, 2
		case 1:
			id, n = uint32(wire[1])+uint32(wire[2])<<8+64, 3
		}
		wire = wire[n:]
		s := streams[id]
		if s == nil {
			s = &state{}
			streams[id] = s
		}
		cont := s.partial && f == 3
		h := wire
		if f < 3 {
			k := []int{11, 7, 3}[f]
			field := be24(h)
			length, typ := s.length, s.typ
			if f < 2 {
				length, typ = be24(h[3:]), h[6]
			}
			sid := s.sid
			if f == 0 {
				sid = binary.LittleEndian.Uint32(h[7:])
			}
			wire = wire[k:]
			s.isExt = field == extendedMark
			if s.isExt {
				field = binary.BigEndian.Uint32(wire)
				wire = wire[4:]
			}
			s.ext = field
			if s.partial && f != 0 && length == s.length && typ == s.typ {
				cont = true
			} else {
				s.sid, s.length, s.typ, s.delta = sid, length, typ, field
				if f == 0 {
					s.ts = field
				} else {
					s.ts += field
				}
			}
		} else {
			if s.isExt {
				e := binary.BigEndian.Uint32(wire)
				wire = wire[4:]
				if !cont {
					s.ext, s.delta = e, e
				}
			}
			if !cont {
				s.ts += s.delta
			}
		}
		if !cont {
			s.body, s.partial = nil, true
		}
		take := min(size, int(s.length)-len(s.body))
		if take > len(wire) {
			return all
		}
		s.body = append(s.body, wire[:take]...)
		wire = wire[take:]
		if len(s.body) < int(s.length) {
			continue
		}
		s.partial = false
		all = append(all, got{s.typ, id, s.sid, s.ts, string(s.body)})
		if len(s.body) >= 4 {
			v := binary.BigEndian.Uint32(s.body)
			switch s.typ {
			case typeSetChunkSize:
				size = int(min(v, MaxMessageLength))
			case typeAbort:
				if o := streams[v]; o != nil {
					o.partial = false
				}
			}
		}
	}
	return all
}

// nasty returns random chunks that use everything that the protocol allows.
func nasty(rnd *rand.Rand, n int) (wire []byte) {
	type state struct {
		begun, partial, ext bool
		left                int
		length              int
		typ                 uint8
		extv                uint32
	}
	size := 128
	ids := []uint32{3, 4, 63, 64, 319, 320, 5000, 65599}[:1+rnd.IntN(8)]
	st := map[uint32]*state{}
	payload := func(k int) {
		for ; k > 0; k -= 8 {
			wire = binary.LittleEndian.AppendUint64(wire, rnd.Uint64())
		}
		wire = wire[:len(wire)+k]
	}
	control := func(typ uint8, v uint32) {
		wire = append(wire, 2, 0, 0, 0, 0, 0, 4, typ, 0, 0, 0, 0)
		wire = binary.BigEndian.AppendUint32(wire, v)
	}
	big := rnd.IntN(3)
	sticky := rnd.Float64()
	cur := ids[0]
	for range n {
		if len(wire) > 100_000<<rnd.IntN(3) {
			break
		}
		if rnd.Float64() > sticky {
			cur = ids[rnd.IntN(len(ids))]
		}
		s := st[cur]
		if s == nil {
			s = &state{}
			st[cur] = s
		}
		switch rnd.IntN(40) {
		case 0:
			size = []int{8 + rnd.IntN(300), 2048, 4096, 8 + rnd.IntN(9000), 60000, 1<<31 - 1}[rnd.IntN(6)]
			control(typeSetChunkSize, uint32(size))
			size = min(size, MaxMessageLength)
			continue
		case 1:
			control(typeAbort, cur)
			s.partial = false
			continue
		case 2:
			wire = append(wire, 2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, 1, 2, 3, 4)
			continue
		}
		if s.partial && rnd.IntN(60) > 0 { // continue the message
			if rnd.IntN(12) == 0 && !s.ext { // repeat the header
				if rnd.IntN(2) == 0 {
					wire = append(appendBasicHeader(wire, Format2, cur), 0, 0, 7)
				} else {
					wire = append(appendBasicHeader(wire, Format1, cur), 0, 0, 7, byte(s.length>>16), byte(s.length>>8), byte(s.length), s.typ)
				}
			} else {
				wire = appendBasicHeader(wire, Format3, cur)
				if s.ext {
					wire = binary.BigEndian.AppendUint32(wire, s.extv)
				}
			}
			k := min(size, s.left)
			payload(k)
			s.left -= k
			s.partial = s.left > 0
			continue
		}
		f := Format(rnd.IntN(4))
		if !s.begun || s.partial {
			f = Format0
		}
		if f == Format3 && s.ext {
			f = Format2
		}
		length := s.length
		if f < 2 {
			length = []int{rnd.IntN(5), rnd.IntN(1000), rnd.IntN(3 * size), rnd.IntN(40000), rnd.IntN(200000)}[rnd.IntN(3+big)]
			length = min(length, 300000)
			s.typ = 8 + uint8(rnd.IntN(2))
		}
		wire = appendBasicHeader(wire, f, cur)
		if f < 3 {
			v := rnd.Uint32N(1000)
			s.ext = f == 0 && rnd.IntN(6) == 0
			if s.ext {
				v = extendedMark + rnd.Uint32N(1<<30)
				s.extv = v
				wire = append(wire, 255, 255, 255)
			} else {
				wire = append(wire, byte(v>>16), byte(v>>8), byte(v))
			}
			if f < 2 {
				wire = append(wire, byte(length>>16), byte(length>>8), byte(length), s.typ)
			}
			if f == 0 {
				wire = append(wire, byte(rnd.IntN(3)), 0, 0, 0)
			}
			if s.ext {
				wire = binary.BigEndian.AppendUint32(wire, v)
			}
		} else if s.ext {
			wire = binary.BigEndian.AppendUint32(wire, s.extv)
		}
		s.begun, s.length, s.left = true, length, length
		k := min(size, length)
		payload(k)
		s.left -= k
		s.partial = s.left > 0
	}
	return wire
}

// dribble is a source that returns few bytes, and sometimes none.
type dribble struct {
	wire  []byte
	size  func() int
	fails func() bool
}

func (d *dribble) Read(b []byte) (int, error) {
	if d.fails() {
		clear(b)
		return 0, os.ErrDeadlineExceeded
	}
	if len(d.wire) == 0 {
		return 0, io.EOF
	}
	n := copy(b, d.wire[:min(len(d.wire), max(1, d.size()))])
	d.wire = d.wire[n:]
	if len(d.wire) == 0 && d.fails() {
		return n, io.EOF
	}
	return n, nil
}

type dribbleVectored struct{ *dribble }

func (v dribbleVectored) Read([]byte) (int, error) { panic("no") }
func (v dribbleVectored) ReadVector(to Vector) (n int, _ error) {
	for range 2 {
		if v.fails() {
			for _, b := range to.Lend() {
				for i := range min(len(b), 2000) {
					b[i] = 0xC4
				}
			}
			to.Reclaim()
			return 0, os.ErrDeadlineExceeded
		}
	}
	if len(v.wire) == 0 {
		return 0, io.EOF
	}
	left := min(len(v.wire), max(1, v.size()))
	for _, b := range to.Lend() {
		k := copy(b, v.wire[:min(left, len(b))])
		v.wire, left, n = v.wire[k:], left-k, n+k
	}
	return n, nil
}

// TestAgainstNaive checks that the Reader returns the same messages as the naive reader, however the bytes arrive and the buffers are
// shared.
func TestAgainstNaive(t *testing.T) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	rounds, messages := 0, 0
	for g := range 3 {
		wg.Go(func() {
			for range 8 {
				seed := rand.Uint64()
				rnd := rand.New(rand.NewPCG(seed, uint64(g)))
				wire := nasty(rnd, 20+rnd.IntN(200))
				want := naive(wire)
				step := 1 + rnd.IntN(1<<uint(rnd.IntN(18))) + len(wire)/2000
				p := rnd.Float64() * 0.5
				src := &dribble{wire: bytes.Clone(wire), size: func() int { return 1 + rnd.IntN(step) }, fails: func() bool { return rnd.Float64() < p }}
				var r *Reader
				if rnd.IntN(3) > 0 {
					r = NewReader(dribbleVectored{src}, 0)
				} else {
					r = NewReader(src, 0)
				}
				k := 0
				var err error
				for {
					var m Message
					err = r.Next(&m)
					if err == os.ErrDeadlineExceeded {
						if rnd.IntN(2) == 0 {
							r.ReleaseBuffer()
						}
						continue
					}
					if err != nil {
						break
					}
					var body []byte
					switch rnd.IntN(4) {
					case 0:
						body = m.Body()
					case 1:
						body = make([]byte, m.Len())
						m.CopyTo(body)
					case 2:
						m.Body()
						fallthrough
					default:
						length := m.Len()
						if d, ok := m.Detach(); ok {
							b := d.Bytes()
							if len(b) != length+Headroom+Tailroom {
								t.Errorf("length %d", len(b))
							}
							body = bytes.Clone(b[Headroom : len(b)-Tailroom])
							for i := range b {
								b[i] = 0xEE
							}
							d.Release()
						} else {
							body = m.Body()
						}
					}
					if k >= len(want) || want[k].Body != string(body) || want[k].Time != m.Timestamp || want[k].Type != m.Type || want[k].ChunkStreamID != m.ChunkStreamID || want[k].StreamID != m.StreamID {
						t.Errorf("seed %d/%d message %d of %d differs", seed, g, k, len(want))
						return
					}
					k++
					if rnd.IntN(4) == 0 {
						r.ReleaseBuffer()
					}
				}
				if k != len(want) || err != io.EOF && err != io.ErrUnexpectedEOF {
					t.Errorf("seed %d/%d: %d of %d, %v", seed, g, k, len(want), err)
					return
				}
				held := 0
				for _, s := range r.partial {
					held += s.room()
				}
				if held != r.held {
					t.Errorf("held %d, is %d", r.held, held)
				}
				mu.Lock()
				rounds++
				messages += k
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.NotZero(t, rounds)
	t.Logf("%d streams, %d messages", rounds, messages)
}
