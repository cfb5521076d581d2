package session

import (
	"net"
	"time"
)

// Counted is a connection that counts the bytes read during the handshake, since Acknowledgements include them.
type Counted struct {
	net.Conn
	BeforeRead func() // called before each read; may be nil

	// The fields below may be read only while no Read or Write is in progress.
	Received  uint64        // bytes
	Sent      uint64        // bytes
	RoundTrip time.Duration // time from the first write to the first read after it; 0 until then

	asked time.Time
}

// Write writes to the connection, and records the time of the first write.
func (c *Counted) Write(b []byte) (int, error) {
	if c.asked.IsZero() {
		c.asked = time.Now()
	}
	n, err := c.Conn.Write(b)
	c.Sent += uint64(n)
	return n, err
}

// Read reads from the connection, and counts the bytes.
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
