package rtmp

import (
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/internal/transport"
)

// defaultWindow is the acknowledgement window in bytes before the server announces one (librtmp's 2,500,000).
const defaultWindow = 2_500_000

// Conn is a session with an RTMP server: a NetConnection in Adobe's terms, an RTMP* in librtmp's.
//
// All methods may be called from any goroutine. Nothing is read from the network unless somebody waits for something
// (Stream.Read, Call.Result, ProcessPackets, ...) or Options.BackgroundRead is set.
type Conn struct {
	setup // guarded by mu until connecting; then Connect's, and nobody changes it once that has returned
	log   *slog.Logger

	nc      net.Conn // set before started; never changed after
	relayed bool     // something that is not the server may be at nc's other end: a proxy. Set with nc
	out     writeSide
	pump    pump
	calls   calls
	invoked handlers

	quickAcks       quickAcks          // of nc
	near            transport.Nearness // the server's. Set before started
	withoutEnhanced bool               // connect does not announce Enhanced RTMP although Options would. Set before Connect
	patience        time.Duration      // how long connect may stay unanswered while another way is left; 0: Timeout. Likewise

	started       atomic.Bool
	connectCall   *Call
	verification  []byte // the answer to SWF verification, a user control body; nil: none. Set before started
	standing      *waiter
	startStanding func() // starts the standing reader, once

	chunkSizeSent, amf3 atomic.Bool
	counts              counts
	farewell            farewell

	bandwidthChecks, bandwidthReplies int // guarded by pump.dispatching

	streams streamTable
	shared  sharedTable
	full    atomic.Pointer[Stream] // a stream whose queue is at its limit
	drained chan struct{}          // signalled when full is cleared

	mu         sync.Mutex // guards the rest
	connecting bool
	err        error         // first fatal error: sticky
	done       chan struct{} // closed when err is set
	owned      sync.WaitGroup
}

// own runs f on a goroutine that Close joins. It reports false on a Conn that is closed.
func (c *Conn) own(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.owned.Go(f)
	return true
}

// fail makes err the Conn's error unless it has one, ends everything that waits, and returns the Conn's error.
func (c *Conn) fail(err error) error {
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return c.err
	}
	c.err = c.lostAtConnect(c.farewell.outcome(err, c.nc))
	if nc := c.nc; nc != nil {
		c.owned.Go(func() { nc.Close() }) // tunnels and TLS take leave of the server, which may take a moment
	}
	close(c.done)
	err = c.err
	c.mu.Unlock()
	c.log.Debug("rtmp: connection ended", "error", err)
	c.calls.end(err)
	return err
}

// Err is the error that ended the connection: net.ErrClosed after Close. It is nil while the connection lives.
func (c *Conn) Err() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Done is closed when the connection has ended; Err then says why.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Connected reports whether Connect has succeeded and the connection lives.
func (c *Conn) Connected() bool { return c.started.Load() && c.Err() == nil }

// LocalAddr is the local address of the connection, nil before Connect.
func (c *Conn) LocalAddr() net.Addr { return c.addr(net.Conn.LocalAddr) }

// RemoteAddr is the server's (or the proxy's) address, nil before Connect.
func (c *Conn) RemoteAddr() net.Addr { return c.addr(net.Conn.RemoteAddr) }

func (c *Conn) addr(of func(net.Conn) net.Addr) net.Addr {
	if !c.started.Load() {
		return nil
	}
	return of(c.nc)
}

// playpath is the stream name that Options or the URL give.
func (c *Conn) playpath() string {
	if c.opts.Playpath != "" {
		return c.opts.Playpath
	}
	return c.url.Playpath
}

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
	WithoutEnhanced         bool   // Dial has connected without announcing Enhanced RTMP, since the server did not answer that
}

type counts struct {
	messages, unknownMessages, unknownEvents, badData, lostMedia, strayMedia, dropped, droppedEvents,
	acknowledgements atomic.Uint64
}

// Stats returns the connection's counters.
func (c *Conn) Stats() Stats {
	s := Stats{Messages: c.counts.messages.Load(), UnknownMessages: c.counts.unknownMessages.Load(),
		UnknownEvents: c.counts.unknownEvents.Load(), BadData: c.counts.badData.Load(),
		LostMedia: c.counts.lostMedia.Load(), StrayMedia: c.counts.strayMedia.Load(),
		DroppedMessages: c.counts.dropped.Load(), DroppedEvents: c.counts.droppedEvents.Load(),
		WithoutEnhanced: c.withoutEnhanced}
	c.pump.mu.Lock()
	s.BytesRead = c.pump.before + c.pump.received
	c.pump.mu.Unlock()
	c.out.mu.Lock()
	s.BytesWritten, s.UnansweredPings = c.out.total, c.out.dropped
	c.out.mu.Unlock()
	for _, stream := range c.streams.all() {
		s.QueuedBytes += stream.queued()
		s.SendQueueBytes += stream.sending.waiting()
	}
	return s
}
