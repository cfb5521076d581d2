package capturefile

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Conn returns a net.Conn that records all reads and writes of nc. Its Close method closes nc, ends the recording, and then calls closed
// with the result of Recorder.Close.
func (r *Recorder) Conn(nc net.Conn, closed func(error)) net.Conn {
	c := &conn{Conn: nc, recorder: r, in: FromServer, out: FromClient, closed: closed}
	if r.role == RoleServer {
		c.in, c.out = FromClient, FromServer
	}
	return c
}

type conn struct {
	net.Conn
	recorder *Recorder
	in, out  Direction
	writing  sync.Mutex // held while writing, since bytes must be recorded in the order in which they are written
	ahead    int        // number of bytes that were recorded but not yet written; guarded by writing
	closed   func(error)
	closing  sync.Once

	mu       sync.Mutex // guards the fields below
	closedBy Direction
	reason   string // why reading has ended
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.recorder.Record(c.in, time.Now(), b[:n])
	switch {
	case err == io.EOF:
		c.ended(c.in, "the "+c.in.String()+" closed the connection")
	case err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed):
		c.ended(c.in, err.Error())
	}
	return n, err
}

func (c *conn) closes() string { return "the " + c.out.String() + " closed the connection" }

func (c *conn) ended(by Direction, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason == "" {
		c.closedBy, c.reason = by, reason
	}
}

// Write records b first, since otherwise the peer's answer could be recorded before b. When a write was incomplete because of a deadline,
// it does not record the rest again.
func (c *conn) Write(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.recorder.Record(c.out, time.Now(), b[min(c.ahead, len(b)):])
	n, err := c.Conn.Write(b)
	c.ahead = max(c.ahead, len(b)) - n
	return n, err
}

func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		c.ended(c.out, c.closes())
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.closing.Do(func() {
		c.ended(c.out, c.closes())
		c.closed(c.recorder.Close(c.closedBy, c.reason)) // after Close there are no more reads to record
	})
	return err
}
