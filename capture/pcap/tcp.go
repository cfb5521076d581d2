package pcap

import (
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/go-librtmp/rtmp/capture"
)

const (
	// maxAhead is how many bytes of a direction wait for a segment that is missing. More say that it never comes.
	maxAhead = 2 << 20
	// maxAllAhead is likewise for all connections together.
	maxAllAhead = 64 << 20
	// maxConnections is how many connections are followed at once. The one that has been silent longest makes room.
	maxConnections = 1000
)

// endpoint is an address and a port.
type endpoint struct {
	addr string
	port uint16
}

func (e endpoint) String() string { return net.JoinHostPort(e.addr, strconv.Itoa(int(e.port))) }

// endpoints are those of a connection, the client's first.
type endpoints struct{ client, server endpoint }

// segment is a TCP segment.
type segment struct {
	from, to           endpoint
	at                 time.Time
	seq                uint32
	syn, ack, fin, rst bool
	cut                bool // the recorder has kept only the beginning of the packet
	data               []byte
}

// consumer is what the bytes of a connection are for.
type consumer interface {
	data(from capture.Direction, at time.Time, b []byte)
	// gap says that bytes are missing in what data has been given.
	gap(from capture.Direction, at time.Time, size int)
	closed(by capture.Direction)
}

// connection puts the segments of a TCP connection in order.
type connection struct {
	ends     endpoints
	ahead    *int   // bytes of all connections that wait
	ways     [2]way // by Direction-1
	consumer consumer
	last     time.Time
	closing  capture.Direction // the end that closes first
}

// segmentSize is what a segment takes beside its bytes, about.
const segmentSize = 128

// way is one direction.
type way struct {
	begun bool
	next  uint32 // sequence number
	ahead []segment
	size  int // bytes of ahead
	end   uint32
	ended bool // at end
}

// segment takes a packet.
func (c *converter) segment(s *segment) {
	from := capture.FromClient
	conn := c.connections[endpoints{s.from, s.to}]
	if conn == nil {
		if conn = c.connections[endpoints{s.to, s.from}]; conn != nil {
			from = capture.FromServer
		}
	}
	if s.syn && !s.ack && (conn == nil || conn.ways[0].next != s.seq+1) { // a new one, maybe with the ports of an old one
		if conn != nil {
			c.finish(conn)
		}
		conn, from = c.begin(endpoints{s.from, s.to}), capture.FromClient
	}
	if conn == nil {
		if len(s.data) > 0 && (looksLikeRTMP(s.data)) {
			c.report.problem("%v to %v: the connection began before the packets", s.from, s.to)
		}
		return
	}
	conn.last = s.at
	w := &conn.ways[from-1]
	switch {
	case s.syn:
		w.begun, w.next = true, s.seq+1
		return
	case !w.begun: // the SYN is missing
		w.begun, w.next = true, s.seq
	}
	if s.cut {
		c.report.problem("%v to %v: packets were cut by the recorder (tcpdump -s 0 keeps them whole)", s.from, s.to)
	}
	if s.fin {
		w.ended, w.end = true, s.seq+uint32(len(s.data))
	}
	if (s.fin || s.rst) && conn.closing == 0 {
		conn.closing = from
	}
	if len(s.data) > 0 {
		conn.add(from, s)
	}
	if s.rst || conn.ways[0].over() && conn.ways[1].over() {
		c.finish(conn)
	}
}

// over reports whether everything up to the FIN was there.
func (w *way) over() bool { return w.ended && int32(w.next-w.end) >= 0 }

// add takes a segment of a direction, in whatever order they come.
func (c *connection) add(from capture.Direction, s *segment) {
	w := &c.ways[from-1]
	if int32(s.seq-w.next) > 0 {
		i, _ := slices.BinarySearchFunc(w.ahead, s, func(a segment, b *segment) int { return int(int32(a.seq - b.seq)) })
		w.ahead = slices.Insert(w.ahead, i, *s)
		size := len(s.data) + segmentSize
		w.size += size
		if *c.ahead += size; w.size > maxAhead || *c.ahead > maxAllAhead {
			c.skip(from)
		}
		return
	}
	c.take(from, s)
	c.catchUp(from)
}

// take passes on what is new in a segment that begins at next or before.
func (c *connection) take(from capture.Direction, s *segment) {
	w := &c.ways[from-1]
	if old := int(int32(w.next - s.seq)); old >= 0 && old < len(s.data) {
		w.next += uint32(len(s.data) - old)
		c.consumer.data(from, s.at, s.data[old:])
	}
}

// catchUp takes the segments that have waited for the last one.
func (c *connection) catchUp(from capture.Direction) {
	w := &c.ways[from-1]
	for len(w.ahead) > 0 && int32(w.ahead[0].seq-w.next) <= 0 {
		s := w.ahead[0]
		w.ahead = w.ahead[1:]
		w.size -= len(s.data) + segmentSize
		*c.ahead -= len(s.data) + segmentSize
		c.take(from, &s)
	}
}

// skip gives up what is missing before the first segment that waits.
func (c *connection) skip(from capture.Direction) {
	w := &c.ways[from-1]
	if len(w.ahead) == 0 {
		return
	}
	s := &w.ahead[0]
	c.consumer.gap(from, s.at, int(int32(s.seq-w.next)))
	w.next = s.seq
	c.catchUp(from)
}

// begin follows a new connection.
func (c *converter) begin(ends endpoints) *connection {
	if len(c.connections) >= maxConnections {
		var oldest *connection
		for _, conn := range c.connections {
			if oldest == nil || conn.last.Before(oldest.last) {
				oldest = conn
			}
		}
		c.finish(oldest)
	}
	conn := &connection{ends: ends, ahead: &c.ahead, consumer: &unknown{converter: c, ends: ends}}
	conn.consumer.(*unknown).conn = conn
	c.connections[ends] = conn
	return conn
}

// finish ends a connection.
func (c *converter) finish(conn *connection) {
	delete(c.connections, conn.ends)
	for _, from := range []capture.Direction{capture.FromClient, capture.FromServer} {
		for len(conn.ways[from-1].ahead) > 0 {
			conn.skip(from)
		}
	}
	conn.consumer.closed(conn.closing)
}
