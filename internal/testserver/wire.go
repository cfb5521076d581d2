package testserver

import (
	"bytes"
	"net"

	"github.com/go-librtmp/rtmp/chunk"
)

// handshakeSize is the length of S0, S1 and S2 in bytes.
const handshakeSize = 1 + 2*1536

// shapedConn applies a Shape to the bytes that package server sends.
type shapedConn struct {
	net.Conn
	shaper    *shaper
	handshake int // bytes of the handshake sent so far
	wire      bytes.Buffer
	in        *chunk.Reader
	ended     bool // by EndClose
}

func newShapedConn(nc net.Conn, s *shaper) *shapedConn {
	c := &shapedConn{Conn: nc, shaper: s}
	c.in = chunk.NewReader(&c.wire, 0)
	return c
}

// CloseWrite sends a FIN.
func (c *shapedConn) CloseWrite() error {
	closeWrite(c.Conn)
	return nil
}

// Write decodes the messages in b, encodes them again in the Shape, and sends them.
func (c *shapedConn) Write(b []byte) (int, error) {
	if c.ended {
		return len(b), nil
	}
	head := b[:min(len(b), handshakeSize-c.handshake)]
	c.handshake += len(head)
	messages, err := c.messages(b[len(head):])
	if err != nil {
		return 0, err
	}
	out, end, err := c.shaper.append(head, messages)
	if err != nil {
		return 0, err
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	if end {
		c.ended = true
		closeWrite(c.Conn)
	}
	return len(b), nil
}

// messages decodes chunks. It keeps an incomplete message for the next call.
func (c *shapedConn) messages(b []byte) (all []chunk.Outgoing, err error) {
	c.wire.Write(b)
	for {
		var m chunk.Message
		ok, err := c.in.NextBuffered(&m)
		switch {
		case err != nil:
			return nil, err
		case ok:
			all = append(all, chunk.Outgoing{Type: m.Type, ChunkStreamID: m.ChunkStreamID, StreamID: m.StreamID,
				Timestamp: m.Timestamp, Body: bytes.Clone(m.Body())})
		case c.wire.Len() == 0:
			return all, nil
		default:
			if err := c.in.Fill(); err != nil {
				return nil, err
			}
		}
	}
}
