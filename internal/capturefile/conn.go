package capturefile

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Conn returns nc, with what is read and written recorded. Closing it closes nc and ends the recording.
func (r *Recorder) Conn(nc net.Conn) net.Conn {
	c := &conn{Conn: nc, recorder: r, in: FromServer, out: FromClient}
	if r.role == RoleServer {
		c.in, c.out = FromClient, FromServer
	}
	return c
}

type conn struct {
	net.Conn
	recorder *Recorder
	in, out  Direction
	ahead    int // bytes recorded and not yet written; owned by who writes

	mu     sync.Mutex // guards the rest
	reason string     // why nothing more will be read
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.recorder.Record(c.in, time.Now(), b[:n])
	if err == io.EOF {
		c.mu.Lock()
		c.reason = "the " + c.in.String() + " closed the connection"
		c.mu.Unlock()
	}
	return n, err
}

// Write records before it writes: the answer may be read before a Write returns, and belongs after it. What is left of a write
// that was cut short by a deadline comes again.
func (c *conn) Write(b []byte) (int, error) {
	if fresh := b[min(c.ahead, len(b)):]; len(fresh) > 0 {
		c.recorder.Record(c.out, time.Now(), fresh)
	}
	n, err := c.Conn.Write(b)
	c.ahead = max(c.ahead, len(b)) - n
	return n, err
}

func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.mu.Lock()
	reason := c.reason
	c.mu.Unlock()
	if reason == "" {
		reason = "the " + c.out.String() + " closed the connection"
	}
	c.recorder.Close(reason)
	return err
}
