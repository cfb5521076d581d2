package rtmp

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// Conn is a session with an RTMP server: a NetConnection in Adobe's terms, an RTMP* in librtmp's.
//
// All methods may be called from any goroutine. Nothing is read from the network unless somebody waits for something
// (Stream.Read, Call.Result, ProcessPackets, ...) or Options.BackgroundRead is set.
type Conn struct {
	setup // guarded by mu until connecting; then Connect's, and nobody changes it once that has returned
	log   *slog.Logger

	relayed         bool               // something that is not the server may be at the other end: a proxy. Set with session
	near            transport.Nearness // the server's. Likewise
	withoutEnhanced bool               // connect does not announce Enhanced RTMP although Options would. Set before Connect
	answers         bool               // a connect that announces Enhanced RTMP has been answered, if only by a refusal. Connect's
	patience        time.Duration      // how long connect may stay unanswered while another way is left; 0: Timeout. Likewise

	started     atomic.Bool      // Connect has succeeded
	session     *session.Session // the connection; guarded by mu until started, never changed after
	client      *client          // our half of it; likewise
	connectCall *Call            // set before started

	chunkSizeSent atomic.Bool
	counts        counts
	farewell      farewell
	streams       streamTable
	shared        sharedTable
	invoked       handlers
	handlers      session.Handlers // runs what is in invoked

	ctx    context.Context // ends with the Conn
	cancel context.CancelFunc

	mu         sync.Mutex // guards the rest
	connecting bool
	err        error    // first fatal error: sticky. The session's, once there is one
	dialed     net.Conn // while no session has it
	owned      sync.WaitGroup
}

// fail makes err the Conn's error unless it has one, ends everything that waits, and returns the Conn's error.
func (c *Conn) fail(err error) error {
	c.mu.Lock()
	if s := c.session; s != nil {
		c.mu.Unlock()
		return s.Fail(err) // which calls end
	}
	defer c.mu.Unlock()
	return c.end(err)
}

// end makes err the Conn's error unless it has one, and returns the Conn's error. The caller holds c.mu.
func (c *Conn) end(err error) error {
	if c.err != nil {
		return c.err
	}
	c.err = err
	if nc := c.dialed; nc != nil {
		c.owned.Go(func() { nc.Close() }) // tunnels and TLS take leave of the server, which may take a moment
	}
	c.cancel()
	c.handlers.End()
	return err
}

// Err is the error that ended the connection: net.ErrClosed after Close. It is nil while the connection lives.
func (c *Conn) Err() error {
	if c.ctx.Err() == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Done is closed when the connection has ended; Err then says why.
func (c *Conn) Done() <-chan struct{} { return c.ctx.Done() }

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
	return of(c.client.nc)
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
	session.Counters
	lostMedia, strayMedia, droppedEvents atomic.Uint64
}

// Stats returns the connection's counters.
func (c *Conn) Stats() Stats {
	n := &c.counts
	s := Stats{BytesRead: n.BytesRead.Load(), BytesWritten: n.BytesWritten.Load(), Messages: n.Messages.Load(),
		UnknownMessages: n.UnknownMessages.Load(), UnknownEvents: n.UnknownEvents.Load(), BadData: n.BadData.Load(),
		LostMedia: n.lostMedia.Load(), StrayMedia: n.strayMedia.Load(), DroppedMessages: n.Dropped.Load(),
		DroppedEvents: n.droppedEvents.Load(), UnansweredPings: n.Unanswered.Load(), WithoutEnhanced: c.withoutEnhanced}
	for _, stream := range c.streams.all() {
		s.QueuedBytes += stream.queued()
		s.SendQueueBytes += stream.sending.Waiting()
	}
	return s
}
