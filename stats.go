package rtmp

import (
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
)

// Stats are counters of a Conn since Connect, which may have connected several times. They never fall, but for QueuedBytes and
// SendQueueBytes, which say what there is at the moment.
type Stats struct {
	BytesRead, BytesWritten uint64 // by RTMP, the handshake included in BytesRead
	Messages                uint64 // received
	UnknownMessages         uint64 // of a type the library does not know
	UnknownEvents           uint64 // user control events likewise
	BadData                 uint64 // data messages whose AMF could not be read; they were passed on as they were
	LostMedia               uint64 // those of them that are aggregates and metadata: what was in them is lost
	StrayMedia              uint64 // media for no open stream, such as what comes after Stream.Close
	DroppedEvents           uint64 // calls, statuses and shared object events that slow handlers left no room for
	UnansweredPings         uint64 // and other small questions, because the server did not read our answers
	QueuedBytes             int    // media read and not yet consumed, of all streams
	SendQueueBytes          int    // media written and not yet sent, of all streams
	DroppedMessages         uint64 // media that found no room in its stream's send queue, of all streams
	PipelineFallbacks       int    // how often the server minded Options.Pipelining, and Connect or CreateStream did with less of it
	WithoutEnhanced         bool   // Dial has connected without announcing Enhanced RTMP, since the server did not answer that

	// RTT is how long the server took to answer the beginning of the handshake: the network's round trip, what the server needs for
	// an answer, and in a tunnel that of HTTP. 0 before Connect.
	RTT time.Duration
	// FirstMedia is how long after Connect was called the first audio or video message was received; 0: none has been.
	FirstMedia time.Duration
	// LastMedia is when the newest audio or video was received, read by the program or not; zero: none has been. Of messages that
	// the network has brought together it is the time of the first.
	LastMedia time.Time
}

// counts are counted however often a Conn connects.
type counts struct {
	session.Counters
	lostMedia, strayMedia, droppedEvents atomic.Uint64
	pipelineFallbacks                    atomic.Int64
}

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
