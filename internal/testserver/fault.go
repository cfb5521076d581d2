package testserver

import (
	"crypto/tls"
	"net"
	"sync"
)

// Action is the kind of a Fault.
type Action int

const (
	None    Action = iota
	Cut            // send a FIN, and continue to read, since a reset would discard the bytes that were sent
	Reset          // reset the TCP connection; close a tunnel without notice
	Stall          // send nothing more, and keep the connection open until Server.Close
	Dribble        // write single bytes from position At on
	Corrupt        // invert the byte at position At
)

// Fault is a fault in the transmission from server to client.
type Fault struct {
	Action Action
	At     int64 // number of bytes sent before the fault, including the handshake
}

// faultyListener accepts connections that fail.
type faultyListener struct {
	net.Listener
	fault    func(n int) Fault
	accepted int // owned by the goroutine that accepts
}

func (l *faultyListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.accepted++
	return newFaultyConn(nc, l.fault(l.accepted-1)), nil
}

// faultyConn is a connection that fails.
type faultyConn struct {
	net.Conn
	fault   Fault
	written int64 // owned by the writer
	cut     bool  // owned by the writer
	once    sync.Once
	closed  chan struct{}
}

func newFaultyConn(nc net.Conn, fault Fault) *faultyConn {
	return &faultyConn{Conn: nc, fault: fault, closed: make(chan struct{})}
}

func (c *faultyConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *faultyConn) CloseWrite() error {
	closeWrite(c.Conn)
	return nil
}

// closeWrite sends a FIN. It closes a connection that can't be half closed.
func closeWrite(nc net.Conn) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		return
	}
	nc.Close()
}

func (c *faultyConn) send(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written += int64(n)
	return n, err
}

func (c *faultyConn) Write(b []byte) (int, error) {
	if c.cut {
		return len(b), nil
	}
	room := c.fault.At - c.written
	if c.fault.Action == None || room > int64(len(b)) {
		return c.send(b)
	}
	before := int(max(0, room)) // bytes that are sent before the fault
	if c.fault.Action == Corrupt {
		return c.corrupt(b, before)
	}
	n, err := c.send(b[:before])
	if err != nil {
		return n, err
	}
	switch c.fault.Action {
	case Dribble:
		for n < len(b) {
			m, err := c.send(b[n : n+1])
			n += m
			if err != nil {
				return n, err
			}
		}
		return n, nil
	case Cut:
		c.cut = true
		closeWrite(c.Conn)
		return len(b), nil
	case Stall:
		<-c.closed
		return n, net.ErrClosed
	case Reset:
		nc := c.Conn
		if secure, ok := nc.(*tls.Conn); ok {
			nc = secure.NetConn()
		}
		if tcp, ok := nc.(*net.TCPConn); ok {
			tcp.SetLinger(0)
			tcp.Close()
		}
	}
	c.Close()
	return n, net.ErrClosed
}

// corrupt sends b. If the fault is in b, it inverts the byte at index.
func (c *faultyConn) corrupt(b []byte, index int) (int, error) {
	if index < len(b) && c.written+int64(index) == c.fault.At {
		b = append([]byte{}, b...)
		b[index] ^= 0xFF
	}
	return c.send(b)
}
