package testserver

import (
	"net"
	"sync"
)

// Action is what goes wrong.
type Action int

const (
	None    Action = iota
	Cut            // hang up
	Reset          // hang up with a TCP reset
	Stall          // send nothing more, and keep the connection open
	Dribble        // from there on one byte with each write
	Corrupt        // invert that byte
)

// Fault is one thing that goes wrong on the way from server to client.
type Fault struct {
	Action Action
	At     int64 // the byte before which it happens, counted from the first of the handshake
}

// faultyConn lets a connection fail.
type faultyConn struct {
	net.Conn
	fault   Fault
	written int64 // owned by the writer
	once    sync.Once
	closed  chan struct{}
}

func (c *faultyConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *faultyConn) Write(b []byte) (int, error) {
	room := c.fault.At - c.written
	if c.fault.Action == None || room > int64(len(b)) {
		n, err := c.Conn.Write(b)
		c.written += int64(n)
		return n, err
	}
	before := int(max(0, room)) // bytes that are still sent as they should be
	n, err := c.Conn.Write(b[:before])
	c.written += int64(n)
	if err != nil || before == len(b) && c.fault.Action == Corrupt {
		return n, err
	}
	rest := b[before:]
	switch c.fault.Action {
	case Corrupt:
		if c.written == c.fault.At {
			rest = append([]byte{^rest[0]}, rest[1:]...)
		}
		m, err := c.Conn.Write(rest)
		c.written += int64(m)
		return n + m, err
	case Dribble:
		for i := range rest {
			m, err := c.Conn.Write(rest[i : i+1])
			n += m
			c.written += int64(m)
			if err != nil {
				return n, err
			}
		}
		return n, nil
	case Stall:
		<-c.closed
		return n, net.ErrClosed
	case Reset:
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
	}
	c.Close()
	return n, net.ErrClosed
}
