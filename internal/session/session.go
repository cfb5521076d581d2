// Package session is an RTMP connection after its handshake: reading, writing, replies and remote calls, for the client and the server.
// It is to both what the mux of golang.org/x/crypto/ssh is to its client and server. It does not know connect, play, publish or
// streams.
package session

import (
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
)

// DefaultWindow is the acknowledgement window in bytes before the peer announces one (librtmp's 2,500,000).
const DefaultWindow = 2_500_000

// Session is a connection after its handshake. All its methods may be called from any goroutine.
//
// A Session reads only while a call waits for something, or if StartStanding was called. A call that waits takes the token, reads, and
// dispatches for all others until its own event has happened. A call that writes takes the write lock. The reader never waits to
// write: its replies are taken along by the next write, go to the socket as far as it takes them at once, or to a flusher.
//
// Lock order, outermost first, and what each lock guards:
//
//	token (reader.in, msg, holder)
//	  -> the write lock, but only tried: the reader never waits for it
//	  -> reader.dispatching (reader.message, and what a Dispatcher changes in Dispatch)
//	    -> locks of the Dispatcher, its Sinks and Writers -> replies.mu, calls.mu, Callbacks.mu, SendQueue.mu
//	    -> window.mu (its counts and sizes) -> replies.mu
//	write lock (writer.chunks, buf, unsent, rest, err) -> locks of Writers, in WriteLimit; replies.mu (what is pending)
//	replies.mu -> lifetime.mu (err, owned) -> locks that Dispatcher.Ended takes
//
// calls.mu, Callbacks.mu, SendQueue.mu, standing.mu and deadline.mu (one for each direction: armed, holder, interrupted) are
// innermost: while they are held, no other lock is taken and no other code is called.
type Session struct {
	*lifetime
	*writer
	*reader
	*calls
	config Config
}

// Dispatcher is the part of a connection that differs between client and server.
type Dispatcher interface {
	// Dispatch acts on a message that the Session does not serve itself. It must neither block nor write; it answers with Reply.
	// direct is the Sink of the goroutine that reads, if it has one. An error ends the Session.
	Dispatch(m *Message, direct Sink) error
	// Ended is called once, with the error that ends the Session, and returns the error that callers will see. It must not call
	// the Session, nor take a lock that is held when the Dispatcher calls Reply or Own.
	Ended(err error) error
}

// Config says how a Session behaves.
type Config struct {
	Peer           string                          // the role of the other end, for errors: "server" or "client"
	MaxMessageSize int                             // of received messages, in bytes; 0: the longest that RTMP allows
	Timeout        time.Duration                   // of each write to the socket and each wait for an answer; <= 0: none
	Progress       bool                            // the Timeout of a write starts again whenever the peer takes something; when it expires, the Session ends, even if only replies waited
	Window         uint32                          // the peer's acknowledgement window until it sends one, in bytes; 0: DefaultWindow
	HandshakeBytes uint64                          // received in the handshake; Acknowledgements count them
	Chunks         *chunk.Writer                   // encoded the messages that were sent with the handshake; nil: none were
	Counters       *Counters                       // of a connection before this one; nil: new ones
	BeforeRead     func()                          // called before each read of the socket; may be nil
	Tap            func(*Message) (bool, error)    // sees every message first, and returns true if it has served it; an error ends the Session; may be nil
	Mask           func(description string) string // removes secrets from the peer's description of a refusal; may be nil
	Strict         bool                            // a protocol or user control message that cannot be decoded ends the Session; otherwise it is counted
	Logger         *slog.Logger                    // may be nil
}

// Counters count what happens on a connection, or on several that replace each other.
type Counters struct {
	BytesRead        atomic.Uint64
	BytesWritten     atomic.Uint64
	Messages         atomic.Uint64 // received
	UnknownMessages  atomic.Uint64 // of unknown types; counted by Dispatchers
	UnknownEvents    atomic.Uint64 // user control events of unknown types; likewise
	BadData          atomic.Uint64 // messages that could not be decoded completely
	Acknowledgements atomic.Uint64 // received
	Unanswered       atomic.Uint64 // pings and similar requests, because the peer does not read our answers
	Dropped          atomic.Uint64 // messages dropped because a SendQueue was full
}

// New returns the Session on nc, whose handshake is over. It starts no goroutine.
func New(nc net.Conn, up Dispatcher, config Config) *Session {
	if config.Counters == nil {
		config.Counters = new(Counters)
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Window == 0 {
		config.Window = DefaultWindow
	}
	s := &Session{config: config, calls: new(calls)}
	s.lifetime = &lifetime{nc: nc, log: config.Logger, up: up, calls: s.calls, done: make(chan struct{})}
	s.writer = newWriter(s.lifetime, &s.config)
	s.reader = newReader(s.lifetime, s.writer, &s.config)
	s.calls.wait, s.calls.timeout = s.reader.awaitWithin, config.Timeout
	s.calls.mask = config.Mask
	s.in = chunk.NewReader(newSource(s.reader), config.MaxMessageSize)
	return s
}

// Counters returns the counters of the Session and the connections before it.
func (s *Session) Counters() *Counters { return s.config.Counters }
