package rtmp

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/go-librtmp/rtmp/chunk"
)

// mutateMessages damages the contents, order, types and ids of messages, but keeps the chunks valid.
func mutateMessages(r *rand.Rand, tape []segment) []segment {
	const shake = 3073
	var whole []byte
	var ends []int
	for _, s := range tape {
		whole = append(whole, s.data...)
		ends = append(ends, len(whole))
	}
	if len(whole) < shake {
		return mutate(r, tape)
	}
	type piece struct {
		o   chunk.Outgoing
		seg int
	}
	var all []piece
	// A message belongs to the segment in which it ends. The reader gets one byte at a time, so that it does not read ahead.
	rd := &oneByte{b: whole[shake:]}
	in := chunk.NewReader(rd, 0)
	for {
		var m chunk.Message
		if in.Next(&m) != nil {
			break
		}
		seg, _ := slices.BinarySearch(ends, shake+rd.at)
		all = append(all, piece{chunk.Outgoing{Type: m.Type, ChunkStreamID: m.ChunkStreamID, StreamID: m.StreamID,
			Timestamp: m.Timestamp, Format: chunk.Format0, Body: bytes.Clone(m.Body())}, min(seg, len(tape)-1)})
	}
	if len(all) == 0 {
		return mutate(r, tape)
	}
	for range 1 + r.IntN(4) {
		i := r.IntN(len(all))
		o := &all[i].o
		if o.Type == 1 && r.IntN(4) > 0 {
			continue
		}
		switch r.IntN(12) {
		case 0:
			o.Type = [...]uint8{2, 3, 4, 5, 6, 8, 9, 15, 16, 17, 18, 19, 20, 22, 99}[r.IntN(15)]
		case 1:
			o.StreamID = [...]uint32{0, 1, 2, 1 << 24, 1<<32 - 1}[r.IntN(5)]
		case 2:
			o.Timestamp = [...]uint32{0, 1, 0xffffff, 1 << 31, 1<<32 - 1, r.Uint32()}[r.IntN(6)]
		case 3:
			all = slices.Insert(all, i, piece{o: *o, seg: all[i].seg})
		case 4:
			j := r.IntN(len(all))
			all[i].o, all[j].o = all[j].o, all[i].o
		case 5:
			all = slices.Delete(all, i, i+1)
			if len(all) == 0 {
				return mutate(r, tape)
			}
		default:
			for range 1 + r.IntN(3) {
				if len(o.Body) == 0 {
					break
				}
				at := r.IntN(len(o.Body))
				switch r.IntN(6) {
				case 0:
					o.Body[at] ^= 1 << r.IntN(8)
				case 1:
					o.Body[at] = byte(r.IntN(20)) // AMF markers
				case 2:
					o.Body = o.Body[:at]
				case 3:
					end := min(len(o.Body), at+1+r.IntN(40))
					o.Body = slices.Concat(o.Body[:end], o.Body[at:])
				case 4:
					for k := at; k < min(len(o.Body), at+4); k++ {
						o.Body[k] = 0xff
					}
				case 5:
					x := make([]byte, 1+r.IntN(9))
					for k := range x {
						x[k] = byte(r.IntN(20))
					}
					o.Body = slices.Insert(o.Body, at, x...)
				}
			}
		}
	}
	out := make([]segment, len(tape))
	for i, s := range tape {
		out[i].after = s.after
	}
	// copy the handshake, in the same segments
	rest := whole[:shake]
	for i := range tape {
		n := min(len(rest), len(tape[i].data))
		out[i].data = append(out[i].data, rest[:n]...)
		rest = rest[n:]
	}
	w := chunk.NewWriter()
	for _, p := range all {
		b, err := w.AppendMessage(nil, &p.o)
		if err != nil {
			continue
		}
		out[p.seg].data = append(out[p.seg].data, b...)
	}
	return out
}

type oneByte struct {
	b  []byte
	at int
}

func (o *oneByte) Read(p []byte) (int, error) {
	n := min(1, len(p))
	n = copy(p[:n], o.b[o.at:])
	if n == 0 {
		return 0, io.EOF
	}
	o.at += n
	return n, nil
}
