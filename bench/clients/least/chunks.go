package main

import (
	"encoding/binary"
	"io"
	"net"
)

// reader is a plain buffered reader over the socket.
type reader struct {
	c    net.Conn
	buf  []byte
	r, w int
}

func (b *reader) fill() error {
	if b.r > 0 {
		copy(b.buf, b.buf[b.r:b.w])
		b.w -= b.r
		b.r = 0
	}
	n, err := b.c.Read(b.buf[b.w:])
	b.w += n
	if n > 0 {
		return nil
	}
	return err
}

func (b *reader) need(n int) error {
	for b.w-b.r < n {
		if err := b.fill(); err != nil {
			return err
		}
	}
	return nil
}

// chunkStream has the header of its latest message, got bytes of which have been read.
type chunkStream struct {
	length, got int
	typ         byte
	ts, msid    uint32
	body        []byte
}

type client struct {
	reader
	cs      []chunkStream
	chunk   int
	in      uint64
	acked   uint64
	win     uint64
	streams uint32 // created so far
}

var hdrLen = [4]int{11, 7, 3, 0}

// chunkHeader parses one chunk header; the payload (n bytes) follows.
func (c *client) chunkHeader() (st *chunkStream, n int, err error) {
	if c.w-c.r < 14 {
		if err = c.need(1); err != nil {
			return
		}
	}
	b0 := c.buf[c.r]
	id, bl, hl := int(b0&63), 1, hdrLen[b0>>6]
	if id == 1 {
		bl = 3
	}
	if err = c.need(bl + hl); err != nil {
		return
	}
	if id == 1 {
		id = 64 + int(c.buf[c.r+1]) + int(c.buf[c.r+2])<<8
	}
	if id >= len(c.cs) {
		c.cs = append(c.cs, make([]chunkStream, id+1-len(c.cs))...)
	}
	h := c.buf[c.r+bl : c.r+bl+hl]
	st = &c.cs[id]
	if hl >= 3 {
		t := uint32(h[0])<<16 | uint32(h[1])<<8 | uint32(h[2])
		if hl == 11 {
			st.ts, st.msid = t, binary.LittleEndian.Uint32(h[7:])
		} else {
			st.ts += t
		}
	}
	if hl >= 7 {
		st.length = int(h[3])<<16 | int(h[4])<<8 | int(h[5])
		st.typ = h[6]
	}
	c.r += bl + hl
	n = min(st.length-st.got, c.chunk)
	c.in += uint64(bl + hl + n)
	return
}

func (c *client) ack() error {
	if c.in-c.acked < c.win {
		return nil
	}
	c.acked = c.in
	b := []byte{2, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[12:], uint32(c.in))
	_, err := c.c.Write(b)
	return err
}

// message assembles one message in its chunk stream's own buffer.
func (c *client) message() (*chunkStream, error) {
	for {
		st, n, err := c.chunkHeader()
		if err != nil {
			return nil, err
		}
		if st.got == 0 {
			if cap(st.body) < st.length {
				st.body = make([]byte, st.length, st.length*5/4)
			}
			st.body = st.body[:st.length]
		}
		dst := st.body[st.got : st.got+n]
		k := copy(dst, c.buf[c.r:c.w])
		c.r += k
		if k < n { // a large rest is read directly from the socket
			rest := dst[k:]
			if len(rest) >= 8<<10 {
				if _, err := io.ReadFull(c.c, rest); err != nil {
					return nil, err
				}
			} else {
				if err := c.need(len(rest)); err != nil {
					return nil, err
				}
				c.r += copy(rest, c.buf[c.r:c.w])
			}
		}
		st.got += n
		if st.got == st.length {
			st.got = 0
			if err := c.ack(); err != nil {
				return nil, err
			}
			switch st.typ {
			case 1:
				c.chunk = int(binary.BigEndian.Uint32(st.body))
			case 5:
				c.win = uint64(binary.BigEndian.Uint32(st.body))
			}
			return st, nil
		}
	}
}
