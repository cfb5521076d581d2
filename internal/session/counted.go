package session

import (
	"net"
	"time"
)

// Counted counts what is read before there is a Session: Acknowledgements count the handshake, too.
type Counted struct {
	net.Conn
	BeforeRead func() // called before each read; nil: nothing is

	// To be looked at when nobody reads or writes.
	Received  uint64        // bytes
	RoundTrip time.Duration // from the first write to what was read after it; 0: that has not come

	asked time.Time
}

// Write writes, and notes when it was begun.
func (c *Counted) Write(b []byte) (int, error) {
	if c.asked.IsZero() {
		c.asked = time.Now()
	}
	return c.Conn.Write(b)
}

// Read reads and counts.
func (c *Counted) Read(b []byte) (int, error) {
	if c.BeforeRead != nil {
		c.BeforeRead()
	}
	n, err := c.Conn.Read(b)
	c.Received += uint64(n)
	if n > 0 && c.RoundTrip == 0 && !c.asked.IsZero() {
		c.RoundTrip = time.Since(c.asked)
	}
	return n, err
}
