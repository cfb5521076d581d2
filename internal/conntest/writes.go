package conntest

import (
	"net"
	"sync/atomic"
)

// WriteCounter is a connection that counts its writes.
type WriteCounter struct {
	net.Conn
	Writes *atomic.Int64
}

func (c WriteCounter) Write(b []byte) (int, error) {
	c.Writes.Add(1)
	return c.Conn.Write(b)
}
