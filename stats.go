package rtmp

import (
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
)

// Stats are counters of a Conn since Connect, which may have connected several times. They never decrease, except for QueuedBytes and
// SendQueueBytes, which are the present sizes.
type Stats struct {
	BytesRead, BytesWritten uint64 // bytes of RTMP; BytesRead includes the handshake
	Messages                uint64 // received
	UnknownMessages         uint64 // messages of a type that the library does not know
	UnknownEvents           uint64 // user control events of a type that the library does not know
	BadData                 uint64 // messages that could not be decoded completely; data messages are passed on as they are
	LostMedia               uint64 // messages in BadData that are aggregates or metadata, whose content is lost
	StrayMedia              uint64 // media that belongs to no open stream, such as media that arrives after Stream.Close
	DroppedEvents           uint64 // calls, statuses and shared object events dropped because handlers are too slow
	UnansweredPings         uint64 // pings and similar requests without an answer, because the server does not read our answers
	QueuedBytes             int    // bytes of media read but not yet consumed, of all streams
	SendQueueBytes          int    // bytes of media written but not yet sent, of all streams
	DroppedMessages         uint64 // messages dropped because their stream's send queue was full, of all streams
	PipelineFallbacks       int    // how often Connect or CreateStream had to use less pipelining than Options ask for
	WithoutEnhanced         bool   // Dial has connected without announcing Enhanced RTMP, since the server did not answer otherwise

	Tolerated chunk.Tolerated // protocol violations in the chunks of the present connection that were accepted

	// RTT is how long the server took to answer the beginning of the handshake, which is about one round trip of the network. It is
	// zero before Connect.
	RTT time.Duration
	// FirstMedia is the time from the call of Connect to the first audio or video message. It is zero until then.
	FirstMedia time.Duration
	// LastMedia is the time at which the newest audio or video message was received, even if the program has not read it yet. If several
	// arrived together, it is the time of the first. It is zero if there has been none.
	LastMedia time.Time
}

// counts are the counters of a Conn, however often it connects.
type counts struct {
	session.Counters
	lostMedia, strayMedia, droppedEvents atomic.Uint64
	pipelineFallbacks                    atomic.Int64
}

// clock measures how long the server takes to answer and to send media. It reads the time once for each read of the socket, since
// that costs as much as a small message.
type clock struct {
	rtt     atomic.Int64 // RTT of the newest handshake in nanoseconds
	began   time.Time    // when Connect was called; set before anything is read
	first   atomic.Int64 // nanoseconds from began to the first media, at least 1; 0 if there is none yet
	last    atomic.Int64 // arrival of the newest media in nanoseconds since 1970
	current atomic.Bool  // last belongs to the newest read of the socket
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

// newest returns the arrival of the newest media, or the zero time if there was none.
func (c *clock) newest() time.Time {
	if ns := c.last.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}
