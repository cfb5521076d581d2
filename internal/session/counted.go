package session

import "net"

// Counted counts what is read before there is a Session: Acknowledgements count the handshake, too.
type Counted struct {
	net.Conn
	BeforeRead func() // called before each read; nil: nothing is
	Received   uint64 // bytes; to be looked at when nobody reads
}

// Read reads and counts.
func (c *Counted) Read(b []byte) (int, error) {
	if c.BeforeRead != nil {
		c.BeforeRead()
	}
	n, err := c.Conn.Read(b)
	c.Received += uint64(n)
	return n, err
}
