package conntest

import (
	"net"
	"sync"
)

// Patient is a listener for servers that must receive everything that a client sent before it closed the connection. Writes to such a
// client do not fail, since a session that ends with a write error stops reading.
type Patient struct {
	net.Listener
	Conns sync.WaitGroup // the open connections
}

// Accept implements net.Listener.
func (l *Patient) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.Conns.Add(1)
	return &patientConn{Conn: nc, closed: sync.OnceFunc(l.Conns.Done)}, nil
}

type patientConn struct {
	net.Conn // hides the other abilities of a socket, such as writing several buffers at once
	closed   func()
}

// Write implements net.Conn.
func (c *patientConn) Write(b []byte) (int, error) {
	c.Conn.Write(b)
	return len(b), nil
}

// CloseWrite shuts down the sending side.
func (c *patientConn) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

// Close implements net.Conn.
func (c *patientConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
