package servertest

import (
	"net"
	"sync"
)

type fault struct {
	cut   bool  // reset the connection
	after int64 // bytes sent to the client before the reset
	stall bool  // stop reading and writing when the client has sent play or publish
}

// faults are the faults of the next connections, in order.
type faults struct {
	mu      sync.Mutex // guards the fields below
	next    []fault
	stalled map[string]*faultyConn // connections that will stall, by the client's address
}

func (f *faults) add(one fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, one)
}

// take removes the next fault from the list and applies it to a connection. It returns false if there is none.
func (f *faults) take(c *faultyConn) (ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.next) == 0 {
		return false
	}
	c.fault, f.next = f.next[0], f.next[1:]
	if c.stall {
		if f.stalled == nil {
			f.stalled = make(map[string]*faultyConn)
		}
		f.stalled[c.RemoteAddr().String()] = c
	}
	return true
}

// opened is called when a client has sent play or publish. If the connection has a stall fault, opened stops it.
func (f *faults) opened(remote string) {
	f.mu.Lock()
	c := f.stalled[remote]
	delete(f.stalled, remote)
	f.mu.Unlock()
	if c != nil {
		c.stop.Do(func() { close(c.stopped) })
	}
}

func (f *faults) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = nil
}

type faultyListener struct {
	net.Listener
	faults *faults
}

func (l *faultyListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &faultyConn{Conn: nc, stopped: make(chan struct{}), closed: make(chan struct{})}
	if !l.faults.take(c) {
		return nc, nil
	}
	return c, nil
}

type faultyConn struct {
	net.Conn
	fault
	stopped chan struct{} // closed when the connection stalls
	closed  chan struct{}
	stop    sync.Once
	close   sync.Once

	mu   sync.Mutex
	sent int64
}

func (c *faultyConn) Read(b []byte) (int, error) {
	select {
	case <-c.stopped:
		<-c.closed
		return 0, net.ErrClosed
	default:
		return c.Conn.Read(b)
	}
}

func (c *faultyConn) Write(b []byte) (int, error) {
	select {
	case <-c.stopped:
		<-c.closed
		return 0, net.ErrClosed
	default:
	}
	if !c.cut {
		return c.Conn.Write(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	left := max(0, c.after-c.sent)
	n, err := c.Conn.Write(b[:min(int64(len(b)), left)])
	c.sent += int64(n)
	if err == nil && n < len(b) {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			tcp.SetLinger(0) // so that Close sends a reset instead of a FIN
		}
		c.Conn.Close()
		err = net.ErrClosed
	}
	return n, err
}

func (c *faultyConn) Close() error {
	c.close.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
