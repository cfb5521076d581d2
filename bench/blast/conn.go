package main

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

type conn struct {
	nc    net.Conn
	br    *bufio.Reader
	id    int64
	img   *image
	plan  media.Plan
	start time.Time

	cs       map[int]*chunkStream
	inChunk  int
	outChunk int
	in       uint64 // bytes read after the handshake
	acked    uint64
	win      uint64 // acknowledge after this many bytes

	streams float64
	answers []byte   // answers that have not been sent yet
	playing []uint32 // message stream ids
	rep     report
}

func endOf(err error) string {
	switch {
	case err == nil, err == io.EOF:
		return "fin"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "fin in mid-chunk"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "rst"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	}
	return err.Error()
}

func (c *conn) serve() {
	defer c.nc.Close()
	c.br = bufio.NewReaderSize(c.nc, *rbuf)
	c.cs = map[int]*chunkStream{}
	c.inChunk, c.outChunk = 128, 128
	c.win = uint64(*winack)
	c.rep = report{Conn: c.id, Mode: "none"}
	err := c.handshake()
	if err == nil {
		err = c.loop()
	}
	if c.rep.Mode == "play" { // already reported
		return
	}
	c.rep.Complete = err == io.EOF
	c.rep.End = endOf(err)
	if err != io.EOF {
		c.rep.Err = fmt.Sprint(err)
	}
	c.rep.InChunk = c.inChunk
	c.rep.Wire = int64(c.in)
	c.rep.Secs = time.Since(c.start).Seconds()
	emit(c.rep)
}

// handshake performs the plain handshake: S1 has a zero version, and S2 echoes C1. With rtmpe, it performs that of decipher.
func (c *conn) handshake() error {
	if *scheme == "rtmpe" {
		nc, err := decipher(c.nc)
		if err == nil {
			c.nc = nc
			c.br.Reset(nc)
		}
		return err
	}
	c01 := make([]byte, 1537)
	if _, err := io.ReadFull(c.br, c01); err != nil {
		return err
	}
	if c01[0] != 3 {
		return fmt.Errorf("handshake: version %d", c01[0])
	}
	s := make([]byte, 1+1536+1536)
	s[0] = 3
	rand.Read(s[9:1537])
	copy(s[1537:], c01[1:])
	if _, err := c.nc.Write(s); err != nil {
		return err
	}
	_, err := c.br.Discard(1536)
	return err
}

func (c *conn) loop() error {
	for {
		if err := c.answer(); err != nil {
			return err
		}
		m, err := c.readMessage()
		if err != nil {
			return err
		}
		switch m.typ {
		case 8, 9:
			if m.typ == 9 {
				c.rep.Video++
			} else {
				c.rep.Audio++
			}
			c.rep.Payload += int64(m.length)
			c.rep.FLVTags += int64(m.length) + 15
			if c.in-c.acked >= c.win {
				c.acked = c.in
				if err := c.send(2, 3, 0, binary.BigEndian.AppendUint32(nil, uint32(c.in))); err != nil {
					return err
				}
				c.rep.Acks++
			}
		case 1:
			if len(m.body) < 4 {
				return errFormat
			}
			n := int(binary.BigEndian.Uint32(m.body) & 0x7fffffff)
			if n < 1 {
				return errFormat
			}
			c.inChunk = n
		case 3:
			c.rep.Acks++
			if len(m.body) >= 4 {
				c.rep.LastAck = binary.BigEndian.Uint32(m.body)
			}
		case 5:
			if len(m.body) >= 4 {
				if w := binary.BigEndian.Uint32(m.body); w > 0 {
					c.win = uint64(w)
				}
			}
		case 17:
			if len(m.body) > 0 {
				err = c.command(m, m.body[1:])
			}
		case 20:
			err = c.command(m, m.body)
		}
		if err != nil {
			return err
		}
	}
}

func (c *conn) send(csid int, typ byte, msid uint32, body []byte) error {
	_, err := c.nc.Write(message(csid, 0, typ, msid, body, c.outChunk))
	return err
}

// answer sends the answers to all calls that have been read: calls that arrive together are answered together.
func (c *conn) answer() error {
	if len(c.answers) == 0 || c.br.Buffered() > 0 {
		return nil
	}
	_, err := c.nc.Write(c.answers)
	c.answers = c.answers[:0]
	return err
}

// numberAfter returns the number after a word in a name, and 0 if there is none.
func numberAfter(name, word string) (n int64) {
	_, digits, _ := strings.Cut(name, word)
	fmt.Sscanf(digits, "%d", &n)
	return n
}
