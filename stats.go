package rtmp

import (
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
)

// Stats contains the counters of a Conn. They count from the call of Connect on, even if Connect connects several times. They never
// decrease, except for QueuedBytes and SendQueueBytes, which are present sizes.
type Stats struct {
	BytesRead, BytesWritten uint64 // bytes of RTMP; BytesRead includes the handshake
	Messages                uint64 // received
	UnknownMessages         uint64 // messages of a type that the library does not know
	UnknownEvents           uint64 // user control events of a type that the library does not know
	BadData                 uint64 // messages that could not be decoded completely; damaged data messages are still passed to the program
	LostMedia               uint64 // the aggregates and metadata messages among BadData, whose content is lost
	StrayMedia              uint64 // media that belongs to no open stream, such as media that arrives after Stream.Close
	DroppedEvents           uint64 // calls, statuses and shared object events dropped because handlers are too slow
	UnansweredPings         uint64 // pings and similar requests that were not answered, because the server did not read the answers
	QueuedBytes             int    // bytes of media received but not yet read by the program, of all streams
	SendQueueBytes          int    // bytes of media written by the program but not yet accepted by the system, of all streams
	DroppedMessages         uint64 // messages dropped because their stream's send queue was full, of all streams
	PipelineFallbacks       int    // how often Connect or CreateStream had to reduce the pipelining
	WithoutEnhanced         bool   // Dial has connected without announcing Enhanced RTMP, since the server had not answered the announcement

	Tolerated chunk.Tolerated // protocol violations in the chunks of the present connection that were accepted

	// RTT is how long the server took to answer the beginning of the handshake. It is about one round trip of the network. It is zero
	// before Connect.
	RTT time.Duration
	// FirstMedia is the time from the call of Connect to the first audio or video message. It is zero until that message has arrived.
	FirstMedia time.Duration
	// LastMedia is the time at which the newest audio or video message was received, even if the program has not read the message yet. It
	// is the zero time if no such message has arrived. It is exact to one read of the socket: messages that arrive together have the same
	// time.
	LastMedia time.Time
}

// counts contains the counters of a Conn. A Conn that connects several times keeps them.
type counts struct {
	session.Counters
	lostMedia, strayMedia, droppedEvents atomic.Uint64
	pipelineFallbacks                    atomic.Int64
}

// clock measures how long the server takes to answer and to send media. It reads the system's time only once for each read of the socket,
// since reading the time costs as much as handling a small message.
type clock struct {
	rtt   atomic.Int64  // RTT of the newest handshake in nanoseconds
	began time.Time     // when Connect was called; set before anything is read
	first atomic.Int64  // nanoseconds from began to the first media, at least 1; 0 if there is none yet
	last  atomic.Int64  // arrival of the newest media in nanoseconds since 1970
	read  atomic.Uint64 // number of bytes that had been read when last was set; no other read of the socket ends there
}

// mediaArrived is called for each audio and video message, and is inlined. read is the number of bytes that have been read from the socket.
func (c *clock) mediaArrived(read uint64) {
	if c.read.Load() != read {
		c.note(read)
	}
}

// note records that media has arrived now.
func (c *clock) note(read uint64) {
	c.read.Store(read)
	now := time.Now()
	c.last.Store(now.UnixNano())
	if c.first.Load() == 0 {
		c.first.Store(max(1, int64(now.Sub(c.began))))
	}
}

// lastMedia returns when the newest media arrived, or the zero time if none has arrived.
func (c *clock) lastMedia() time.Time {
	if ns := c.last.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}
