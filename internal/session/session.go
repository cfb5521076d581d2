// Package session implements an RTMP connection after its handshake: reading, writing, replies and remote calls, for the client and the
// server. Its role is that of the mux in golang.org/x/crypto/ssh. It does not depend on connect, play, publish or
// streams.
package session

import (
	"log/slog"
	"net"

	"github.com/go-librtmp/rtmp/chunk"
)

// Session is a connection after its handshake. All methods may be called from any goroutine.
//
// A Session reads only while a call waits for something, or after StartStanding was called. A call that waits takes the token. It then
// reads and dispatches for all calls until its own event has happened. A call that writes takes the write lock. The reader never waits to
// write: its replies are sent with the next write, or the reader writes as much of them as the connection accepts without blocking, and a
// flusher writes the rest.
//
// Lock order, outermost first, and what each lock guards:
//
//	token (reader.in, msg, message, holder, and the counts of window)
//	  -> the write lock, but only tried: the reader never waits for it
//	  -> reader.dispatching (reader.wakes, and what a Dispatcher changes in Dispatch)
//	    -> locks of the Dispatcher, its Sinks and Writers -> replies.mu, calls.mu, Callbacks.mu, SendQueue.mu
//	    -> window.mu (what was announced) -> replies.mu
//	locks of the Sinks -> token, but only tried, in TakeBuffered. While a Waiter keeps the token between two calls (lessee), the lock of
//	  its Taker guards what the token guards. Recall takes that lock, so all waits do: their callers must not hold it
//	write lock (writer.chunks, buf, rest, err) -> locks of Writers, in WriteLimit; replies.mu (what is pending)
//	replies.mu -> lifetime.mu (err, owned) -> locks that Dispatcher.Ended takes
//
//	senders.mu -> SendQueue.mu
//
// calls.mu, Callbacks.mu, SendQueue.mu, standing.mu, waiterPool.mu and deadline.mu (one for each direction: armed, holder, interrupted) are
// innermost: while they are held, no other lock is taken and no other code is called.
type Session struct {
	// Pushing a message to many players uses only the first few hundred bytes of each Session. The other fields follow these, so that they
	// stay out of the processor's cache.
	lifetime
	counters Counters // used if Config.Counters is nil
	writer
	reader
	calls
	config Config
}

// New returns a Session on nc. The handshake must be complete. New starts no goroutine.
func New(nc net.Conn, up Dispatcher, config Config) *Session {
	s := new(Session) // all parts in one allocation
	if config.Counters == nil {
		config.Counters = &s.counters
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Window == 0 {
		config.Window = DefaultWindow
	}
	s.config = config
	s.nc, s.log, s.up, s.lifetime.calls, s.done = nc, config.Logger, up, &s.calls, make(chan struct{})
	s.writer.init(&s.lifetime, &s.reader, &s.config)
	s.reader.init(&s.lifetime, &s.writer, &s.config)
	s.calls.timeout, s.calls.mask = config.Timeout, config.Mask
	if !config.Passive {
		s.calls.reader = &s.reader
	}
	s.in = chunk.NewReader(newSource(&s.reader), config.MaxMessageSize)
	s.in.SetPlacer(s.place)
	return s
}

// Counters returns the counters of the Session, which it may share with previous connections (Config.Counters).
func (s *Session) Counters() *Counters { return s.config.Counters }
