// Command least is neither a peer nor a library. It is the least Go code that can parse blast's stream, without checks, extended timestamps
// or interleaving, and shows the lowest possible cost in Go:
//
//	pull-scan  64 KiB reads, chunk headers parsed in place, payload not copied
//	pull-flv   an io.Reader of FLV bytes: each fragment copied once, from the
//	           64 KiB read buffer into the caller's 64 KiB buffer
//	pull-msg   whole messages in one reused buffer; big fragments are read
//	           straight from the socket into it
//	push-4096, push-65536     one writev per message (net.Buffers)
//	push-buf                  chunk 65536, small messages gathered in 64 KiB
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"net/url"
	"path"
	"strings"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/bench/peer"
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

type chunkStream struct {
	length, got int
	typ         byte
	ts          uint32
	body        []byte
}

type client struct {
	reader
	cs    [64]chunkStream
	chunk int
	in    uint64
	acked uint64
	win   uint64
}

var hdrLen = [4]int{11, 7, 3, 0}

// chunkHeader parses one chunk header; the payload (n bytes) follows.
func (c *client) chunkHeader() (st *chunkStream, n int, err error) {
	if c.w-c.r < 12 {
		if err = c.need(1); err != nil {
			return
		}
	}
	b0 := c.buf[c.r]
	hl := hdrLen[b0>>6]
	if err = c.need(1 + hl); err != nil {
		return
	}
	h := c.buf[c.r+1 : c.r+1+hl]
	st = &c.cs[b0&63]
	if hl >= 3 {
		t := uint32(h[0])<<16 | uint32(h[1])<<8 | uint32(h[2])
		if hl == 11 {
			st.ts = t
		} else {
			st.ts += t
		}
	}
	if hl >= 7 {
		st.length = int(h[3])<<16 | int(h[4])<<8 | int(h[5])
		st.typ = h[6]
	}
	c.r += 1 + hl
	n = min(st.length-st.got, c.chunk)
	c.in += uint64(1 + hl + n)
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

func str(b []byte, s string) []byte {
	b = append(b, 2, byte(len(s)>>8), byte(len(s)))
	return append(b, s...)
}

func num(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0), math.Float64bits(v))
}

func msg(csid, typ byte, msid uint32, body []byte) []byte {
	b := []byte{csid, 0, 0, 0, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body)), typ}
	b = binary.LittleEndian.AppendUint32(b, msid)
	for i := 0; i < len(body); i += 128 {
		if i > 0 {
			b = append(b, 0xc0|csid)
		}
		b = append(b, body[i:min(i+128, len(body))]...)
	}
	return b
}

func (c *client) waitCommand(name, code string) error {
	for {
		m, err := c.message()
		if err != nil {
			return err
		}
		if m.typ == 20 && strings.Contains(string(m.body[:min(len(m.body), 300)]), name) && strings.Contains(string(m.body), code) {
			return nil
		}
	}
}

func dial(raw string, publish bool, size int) (*client, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	nc, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	c := &client{chunk: 128, win: 2500000}
	c.c, c.buf = nc, make([]byte, size)
	c01 := make([]byte, 1537)
	c01[0] = 3
	nc.Write(c01)
	s := make([]byte, 1+2*1536)
	if _, err := io.ReadFull(nc, s); err != nil {
		return nil, err
	}
	app, name := strings.Trim(path.Dir(u.Path), "/"), path.Base(u.Path)
	con := num(str(nil, "connect"), 1)
	con = append(con, 3, 0, 3, 'a', 'p', 'p')
	con = str(con, app)
	con = append(con, 0, 5, 't', 'c', 'U', 'r', 'l')
	con = str(con, "rtmp://"+u.Host+"/"+app)
	con = append(con, 0, 0, 9)
	nc.Write(append(s[1:1537:1537], msg(3, 20, 0, con)...))
	if err := c.waitCommand("_result", "Connect.Success"); err != nil {
		return nil, err
	}
	nc.Write(msg(3, 20, 0, append(num(str(nil, "createStream"), 2), 5)))
	if err := c.waitCommand("_result", ""); err != nil {
		return nil, err
	}
	if publish {
		p := str(str(append(num(str(nil, "publish"), 3), 5), name), "live")
		nc.Write(msg(8, 20, 1, p))
		return c, c.waitCommand("onStatus", "Publish.Start")
	}
	nc.Write(msg(8, 20, 1, str(append(num(str(nil, "play"), 3), 5), name)))
	return c, c.waitCommand("onStatus", "Play.Start")
}

func ended(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

func (g *counter) add(st *chunkStream) {
	switch st.typ {
	case 9:
		g.Video++
		g.Payload += int64(st.length)
	case 8:
		g.Audio++
		g.Payload += int64(st.length)
	}
}

type counter struct{ media.Got }

func pullMsg(size int) func(string, *media.Got) error {
	return func(url string, got *media.Got) error {
		c, err := dial(url, false, size)
		if err != nil {
			return err
		}
		defer c.c.Close()
		var g counter
		defer func() { *got = g.Got }()
		for {
			st, err := c.message()
			if err != nil {
				return ended(err)
			}
			g.add(st)
		}
	}
}

func pullScan(size int) func(string, *media.Got) error {
	return func(url string, got *media.Got) error {
		c, err := dial(url, false, size)
		if err != nil {
			return err
		}
		defer c.c.Close()
		var g counter
		defer func() { *got = g.Got }()
		for {
			st, n, err := c.chunkHeader()
			if err != nil {
				return ended(err)
			}
			st.got += n
			for n > 0 {
				if c.r == c.w {
					if err := c.fill(); err != nil {
						return ended(err)
					}
				}
				k := min(n, c.w-c.r)
				c.r += k
				n -= k
			}
			if st.got == st.length {
				st.got = 0
				g.add(st)
				if err := c.ack(); err != nil {
					return err
				}
			}
		}
	}
}

// flvReader reads the stream as FLV bytes.
type flvReader struct {
	c     *client
	st    *chunkStream
	left  int // payload bytes left of the current chunk
	head  [15]byte
	hr, n int // head[hr:n] is returned first
	g     counter
}

func (f *flvReader) Read(p []byte) (int, error) {
	c, at := f.c, 0
	for at < len(p) {
		if f.hr < f.n {
			k := copy(p[at:], f.head[f.hr:f.n])
			f.hr += k
			at += k
			continue
		}
		if f.left > 0 {
			if c.r == c.w {
				if at > 0 && at >= len(p)/2 {
					return at, nil
				}
				if err := c.fill(); err != nil {
					return at, err
				}
			}
			k := copy(p[at:], c.buf[c.r:min(c.w, c.r+f.left)])
			c.r += k
			at += k
			f.left -= k
			continue
		}
		if f.st != nil && f.st.got == f.st.length {
			f.st.got = 0
			f.g.add(f.st)
			binary.BigEndian.PutUint32(f.head[:], uint32(f.st.length+11))
			f.hr, f.n, f.st = 0, 4, nil
			if err := c.ack(); err != nil {
				return at, err
			}
			continue
		}
		if c.r == c.w && at >= len(p)/2 {
			return at, nil
		}
		st, n, err := c.chunkHeader()
		if err != nil {
			return at, err
		}
		if st.got == 0 {
			l, t := st.length, st.ts
			f.head = [15]byte{st.typ, byte(l >> 16), byte(l >> 8), byte(l), byte(t >> 16), byte(t >> 8), byte(t), byte(t >> 24)}
			f.hr, f.n = 0, 11
		}
		f.st, f.left = st, n
		st.got += n
	}
	return at, nil
}

func pullFLV(url string, got *media.Got) error {
	c, err := dial(url, false, 64<<10)
	if err != nil {
		return err
	}
	defer c.c.Close()
	f := &flvReader{c: c}
	defer func() { *got = f.g.Got }()
	buf := make([]byte, 64<<10)
	for {
		if _, err := f.Read(buf); err != nil {
			return ended(err)
		}
	}
}

func push(chunk, gather int) func(string, *media.Run, media.Plan) error {
	return func(url string, run *media.Run, plan media.Plan) error {
		c, err := dial(url, true, 64<<10)
		if err != nil {
			return err
		}
		nc := c.c.(*net.TCPConn)
		defer nc.Close()
		nc.Write(msg(2, 1, 0, binary.BigEndian.AppendUint32(nil, uint32(chunk))))
		done := make(chan struct{})
		go func() { io.Copy(io.Discard, nc); close(done) }()
		var last [2]uint32
		small := make([]byte, 0, gather+16)
		store := make(net.Buffers, 0, 256)
		conts := [2][]byte{{0xc4}, {0xc6}}
		hdr := make([]byte, 12)
		err = run.Each(plan, func(m *media.Msg, ts uint32) error {
			i, csid := 0, byte(4)
			if m.Video {
				i, csid = 1, 6
			}
			d, n := ts-last[i], len(m.Body)
			h := hdr[:0]
			if last[i] == 0 {
				h = append(h, csid, byte(ts>>16), byte(ts>>8), byte(ts), byte(n>>16), byte(n>>8), byte(n), m.TypeID(), 1, 0, 0, 0)
			} else {
				h = append(h, 1<<6|csid, byte(d>>16), byte(d>>8), byte(d), byte(n>>16), byte(n>>8), byte(n), m.TypeID())
			}
			last[i] = ts
			if len(h)+n+n/chunk+1 <= gather-len(small) {
				small = append(small, h...)
				for at := 0; at < n; at += chunk {
					if at > 0 {
						small = append(small, conts[i]...)
					}
					small = append(small, m.Body[at:min(at+chunk, n)]...)
				}
				return nil
			}
			v := store[:0]
			small = append(small, h...)
			v = append(v, small)
			for at := 0; at < n; at += chunk {
				if at > 0 {
					v = append(v, conts[i])
				}
				v = append(v, m.Body[at:min(at+chunk, n)])
			}
			_, err := v.WriteTo(nc)
			small = small[:0]
			return err
		})
		if err != nil {
			return err
		}
		if _, err := nc.Write(small); err != nil {
			return err
		}
		nc.CloseWrite()
		<-done
		return nil
	}
}

func conn(url string) error {
	c, err := dial(url, false, 4<<10)
	if err != nil {
		return err
	}
	return c.c.Close()
}

func rpc(url string) (func(int) error, func(), error) {
	c, err := dial(url, false, 4<<10)
	if err != nil {
		return nil, nil, err
	}
	call := func(i int) error {
		txn := float64(100 + i)
		b := num(str(append(num(str(nil, "echo"), txn), 5), "hello"), float64(i))
		if _, err := c.c.Write(msg(3, 20, 0, b)); err != nil {
			return err
		}
		for {
			m, err := c.message()
			if err != nil {
				return err
			}
			if m.typ != 20 || len(m.body) < 20 || m.body[2] != 7 || math.Float64frombits(binary.BigEndian.Uint64(m.body[11:])) != txn {
				continue
			}
			if v := math.Float64frombits(binary.BigEndian.Uint64(m.body[len(m.body)-8:])); v != float64(i) {
				return fmt.Errorf("bad echo %v", v)
			}
			return nil
		}
	}
	return call, func() { c.c.Close() }, nil
}

func main() {
	peer.Main(peer.Peer{
		Pull: map[string]func(string, *media.Got) error{"scan": pullScan(64 << 10), "scan4k": pullScan(4 << 10), "flv": pullFLV, "msg": pullMsg(64 << 10), "msg4k": pullMsg(4 << 10), "msg16k": pullMsg(16 << 10)},
		Push: map[string]func(string, *media.Run, media.Plan) error{"4096": push(4096, 0), "65536": push(65536, 0), "buf": push(65536, 64<<10)},
		Conn: conn, RPC: rpc,
	})
}
