package pcap

import (
	"bytes"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/go-librtmp/rtmp/capture"
)

const (
	// maxAhead is the maximum number of bytes of a direction that wait for a missing segment. Beyond it, the missing segment is skipped.
	maxAhead = 2 << 20
	// maxAllAhead is the maximum number of bytes that wait for missing segments in all connections together.
	maxAllAhead = 64 << 20
	// maxConnections is the maximum number of connections that are followed at the same time. Beyond it, the connection that has been
	// silent longest is dropped.
	maxConnections = 1000
	// maxKnown is the maximum number of entries in converter.known.
	maxKnown = 10_000
)

type endpoint struct {
	addr string
	port uint16
}

func (e endpoint) String() string { return net.JoinHostPort(e.addr, strconv.Itoa(int(e.port))) }

type endpoints struct{ client, server endpoint }

type segment struct {
	from, to           endpoint
	at                 time.Time
	seq, acked         uint32
	syn, ack, fin, rst bool
	cut                bool // the packet was truncated when it was captured
	data               []byte
}

type consumer interface {
	data(from capture.Direction, at time.Time, b []byte)
	// gap reports that size bytes are missing before the next call of data.
	gap(from capture.Direction, at time.Time, size int)
	closed(by capture.Direction)
}

type connection struct {
	ends     endpoints
	ahead    *int    // number of bytes that wait in all connections
	flows    [2]flow // indexed by Direction-1
	consumer consumer
	last     time.Time
	closing  capture.Direction // the end that has closed first
}

// segmentSize is the approximate memory of a segment in addition to its bytes.
const segmentSize = 128

// flow is one direction of a connection.
type flow struct {
	begun bool
	first uint32 // sequence number of the SYN
	next  uint32 // sequence number of the next byte
	ahead []segment
	size  int // number of bytes in ahead
	end   uint32
	ended bool // a FIN with the sequence number end has arrived
}

func (c *converter) segment(s *segment) {
	from := capture.FromClient
	conn := c.connections[endpoints{s.from, s.to}]
	if conn == nil {
		if conn = c.connections[endpoints{s.to, s.from}]; conn != nil {
			from = capture.FromServer
		}
	}
	if s.syn && !s.ack && (conn == nil || conn.flows[0].first != s.seq) { // a new connection, which may have the same ports as an old one
		if conn != nil {
			c.finish(conn)
		}
		conn, from = c.begin(endpoints{s.from, s.to}), capture.FromClient
	}
	if conn == nil {
		c.headless(s)
		return
	}
	conn.last = s.at
	w := &conn.flows[from-1]
	switch {
	case s.syn:
		if !w.begun {
			w.begun, w.first, w.next = true, s.seq, s.seq+1
		}
		return
	case !w.begun: // the SYN was not captured
		w.begun, w.next = true, s.seq
	}
	if s.cut {
		c.report.problem("%v to %v: packets were truncated when they were captured (tcpdump -s 0 keeps them whole)", s.from, s.to)
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
	if s.rst || conn.flows[0].complete() && conn.flows[1].complete() {
		c.finish(conn)
	}
}

// headless handles a segment of a connection whose SYN was not captured.
func (c *converter) headless(s *segment) {
	ends := endpoints{s.from, s.to}
	if len(s.data) == 0 || c.known[ends] || c.known[endpoints{s.to, s.from}] || len(c.known) >= maxKnown {
		return
	}
	c.known[ends] = true
	c.report.problem("%v to %v: the connection began before the packets", s.from, s.to)
}

// complete reports whether all bytes before the FIN have been passed to the consumer.
func (w *flow) complete() bool { return w.ended && int32(w.next-w.end) >= 0 }

// add handles a segment. Segments may come in any order.
func (c *connection) add(from capture.Direction, s *segment) {
	w := &c.flows[from-1]
	if len(w.ahead) == 0 && int32(s.seq-w.next) <= 0 && c.unseen(from, s) <= 0 { // the usual case: the segment is in order
		c.deliver(from, s)
		c.catchUp()
		return
	}
	s.data = bytes.Clone(s.data) // the reader reuses its buffer
	i, _ := slices.BinarySearchFunc(w.ahead, s, func(a segment, b *segment) int { return int(int32(a.seq - b.seq)) })
	w.ahead = slices.Insert(w.ahead, i, *s)
	size := len(s.data) + segmentSize
	w.size += size
	*c.ahead += size
	c.catchUp()
	for w.size > maxAhead || len(w.ahead) > 0 && *c.ahead > maxAllAhead {
		c.skipGap()
	}
}

func (c *connection) catchUp() {
	for from := capture.FromClient; ; {
		w := &c.flows[from-1]
		taken := false
		for len(w.ahead) > 0 && int32(w.ahead[0].seq-w.next) <= 0 && c.unseen(from, &w.ahead[0]) <= 0 {
			s := w.ahead[0]
			w.ahead = w.ahead[1:]
			w.size -= len(s.data) + segmentSize
			*c.ahead -= len(s.data) + segmentSize
			c.deliver(from, &s)
			taken = true
		}
		switch {
		case from == capture.FromClient:
			from = capture.FromServer
		case taken:
			from = capture.FromClient
		default:
			return
		}
	}
}

// unseen returns how many bytes from the other end the segment acknowledges that the consumer has not received yet. The segment must wait for
// these bytes, so that an answer comes after its request.
func (c *connection) unseen(from capture.Direction, s *segment) int {
	peer := &c.flows[2-from]
	if !s.ack || !peer.begun {
		return 0
	}
	n := int(int32(s.acked - peer.next))
	if peer.ended {
		n-- // the FIN has a sequence number but is not a byte
	}
	return n
}

// deliver passes the new bytes of a segment, which must begin at next or earlier, to the consumer.
func (c *connection) deliver(from capture.Direction, s *segment) {
	w := &c.flows[from-1]
	if old := int(int32(w.next - s.seq)); old >= 0 && old < len(s.data) {
		w.next += uint32(len(s.data) - old)
		c.consumer.data(from, s.at, s.data[old:])
	}
}

// skipGap skips the gap before the first waiting segment, which must exist.
func (c *connection) skipGap() {
	from := capture.FromClient
	if a, b := c.flows[0].ahead, c.flows[1].ahead; len(a) == 0 || len(b) > 0 && b[0].at.Before(a[0].at) {
		from = capture.FromServer
	}
	w, peer := &c.flows[from-1], &c.flows[2-from]
	s := &w.ahead[0]
	if missing := int(int32(s.seq - w.next)); missing > 0 {
		c.consumer.gap(from, s.at, missing)
		w.next = s.seq
	} else if missing := c.unseen(from, s); missing > 0 {
		c.consumer.gap(3-from, s.at, missing)
		peer.next += uint32(missing)
	}
	c.catchUp()
}

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

func (c *converter) finish(conn *connection) {
	delete(c.connections, conn.ends)
	if len(c.known) < maxKnown {
		c.known[conn.ends] = true // its packets may be transmitted again
	}
	for len(conn.flows[0].ahead) > 0 || len(conn.flows[1].ahead) > 0 {
		conn.skipGap()
	}
	conn.consumer.closed(conn.closing)
}
