package rtmp

import (
	"sync/atomic"
	"time"
)

// clock notes how long the server takes: to answer, and until media comes. That is noted once for each read of the socket, since to
// ask for the time costs as much as a small message.
type clock struct {
	rtt     atomic.Int64 // of the newest handshake, nanoseconds
	began   time.Time    // when Connect was called; set before anything is read
	first   atomic.Int64 // nanoseconds from then to the first media, at least 1; 0: none has come
	last    atomic.Int64 // when the newest came, nanoseconds since 1970
	current atomic.Bool  // last is of what the socket was read for last
}

// reading is called before each read of the socket.
func (c *clock) reading() {
	if c.current.Load() {
		c.current.Store(false)
	}
}

// came is called with each audio and video message.
func (c *clock) came() {
	if c.current.Load() {
		return
	}
	c.current.Store(true)
	now := time.Now()
	c.last.Store(now.UnixNano())
	if c.first.Load() == 0 {
		c.first.Store(max(1, int64(now.Sub(c.began))))
	}
}

// newest is when the newest media came, zero: none has.
func (c *clock) newest() time.Time {
	if ns := c.last.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}
