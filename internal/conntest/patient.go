package conntest

import (
	"net"
	"sync"
)

// Patient is a listener of connections on which a server hears everything that was sent to it before it hung up: writes to a client
// that is gone do not fail, since a session that ends for such a failure reads no more. Only reading tells that the client is gone.
type Patient struct {
	net.Listener
	Conns sync.WaitGroup // those that are open
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
	net.Conn // without what else a socket can do, such as writing several buffers
	closed   func()
}

// Write implements net.Conn.
func (c *patientConn) Write(b []byte) (int, error) {
	c.Conn.Write(b)
	return len(b), nil
}

// CloseWrite tells the client that nothing more will come.
func (c *patientConn) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

// Close implements net.Conn.
func (c *patientConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
