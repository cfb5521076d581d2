package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

type chunkStream struct {
	ts, delta uint32
	length    int
	typ       byte
	msid      uint32
	ext       bool
	got       int
	body      []byte // nil for audio and video
}

var errFormat = errors.New("bad chunk")

// readMessage reads chunks until a message is complete.  Audio and video
// bodies are dropped as they arrive.
func (c *conn) readMessage() (*chunkStream, error) {
	for {
		b0, err := c.br.ReadByte()
		if err != nil {
			return nil, err
		}
		n := 1
		csid := int(b0 & 63)
		if csid < 2 {
			h, err := c.br.Peek(1 + csid)
			if err != nil {
				return nil, err
			}
			if csid == 0 {
				csid = 64 + int(h[0])
			} else {
				csid = 64 + int(h[0]) + int(h[1])<<8
			}
			c.br.Discard(len(h))
			n += len(h)
		}
		st := c.cs[csid]
		if st == nil {
			st = &chunkStream{}
			c.cs[csid] = st
		}
		fm := b0 >> 6
		hl := [4]int{11, 7, 3, 0}[fm]
		h, err := c.br.Peek(hl)
		if err != nil {
			return nil, err
		}
		var t uint32
		if fm < 3 {
			if st.got != 0 {
				return nil, fmt.Errorf("%w: type %d inside a message of csid %d (%d of %d)", errFormat, fm, csid, st.got, st.length)
			}
			t = uint32(h[0])<<16 | uint32(h[1])<<8 | uint32(h[2])
			st.ext = t == 0xffffff
		}
		if fm < 2 {
			st.length = int(h[3])<<16 | int(h[4])<<8 | int(h[5])
			st.typ = h[6]
		}
		if fm == 0 {
			st.msid = binary.LittleEndian.Uint32(h[7:])
		}
		c.br.Discard(hl)
		n += hl
		if st.ext {
			e, err := c.br.Peek(4)
			if err != nil {
				return nil, err
			}
			t = binary.BigEndian.Uint32(e)
			c.br.Discard(4)
			n += 4
		}
		if st.got == 0 {
			switch fm {
			case 0:
				st.ts, st.delta = t, 0
			case 1, 2:
				st.delta = t
				st.ts += t
			case 3:
				st.ts += st.delta
			}
			st.body = st.body[:0]
		}
		k := min(st.length-st.got, c.inChunk)
		if st.typ == 8 || st.typ == 9 {
			_, err = c.br.Discard(k)
		} else {
			at := len(st.body)
			st.body = append(st.body, make([]byte, k)...)
			_, err = io.ReadFull(c.br, st.body[at:])
		}
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		st.got += k
		c.in += uint64(n + k)
		if st.got == st.length {
			st.got = 0
			return st, nil
		}
	}
}
