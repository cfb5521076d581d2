// Package session is an RTMP connection after its handshake, in either role: what reading, writing, answering and calling
// have in common, whether the program is the client or the server. It stands to both as the mux of golang.org/x/crypto/ssh
// does to its client and server, and knows nothing of connect, of play and publish, nor of streams.
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
// Nothing is read unless somebody waits for something, or StartStanding was called. Who waits takes the token, reads, and
// dispatches for everybody until its own event has happened. Who writes takes the write lock. The reader never writes: what it
// has to answer is left to the next writer, to the socket as far as that takes it at once, or to a flusher.
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
// innermost: nothing is taken while they are held, and nobody is called back.
type Session struct {
	*lifetime
	*writer
	*reader
	*calls
	config Config
}

// Dispatcher is one role's half of a connection.
type Dispatcher interface {
	// Dispatch does what a message asks for that the Session does not serve itself. It must neither block nor write: Reply is
	// there for answers. direct is the Sink whose owner does the reading, if any. An error ends the Session.
	Dispatch(m *Message, direct Sink) error
	// Ended is called once, with the error that ends the Session, and returns the error that callers will see. It must not call
	// the Session, and takes none of the locks that are held when the Dispatcher calls Reply or Own.
	Ended(err error) error
}

// Config says how a Session behaves.
type Config struct {
	Peer           string                          // what the other end is, for errors: "server", "client"
	MaxMessageSize int                             // received, in bytes; 0: the longest there are
	Timeout        time.Duration                   // of each write of the socket and each wait for an answer; <= 0: none
	Progress       bool                            // Timeout of a write begins anew whenever the peer has taken something; one that passes ends the Session, even if only replies waited
	Window         uint32                          // the peer's acknowledgement window until it says another, in bytes; 0: DefaultWindow
	HandshakeBytes uint64                          // received before: Acknowledgements count them
	Chunks         *chunk.Writer                   // has made the chunks that were sent with the handshake; nil: there were none
	Counters       *Counters                       // those of a connection before this one; nil: new ones
	BeforeRead     func()                          // called before each read of the socket; nil: nothing is
	Tap            func(*Message) (bool, error)    // sees every message before it is served; nil: nobody does. true: it is served already. An error ends the Session
	Mask           func(description string) string // hides what is secret in what the peer says of a refusal; nil: nothing is
	Strict         bool                            // a protocol or user control message that can't be read ends the Session; else it is counted
	Logger         *slog.Logger                    // nil: silent
}

// Counters count what happens on a connection, or on several of which each takes the place of the one before.
type Counters struct {
	BytesRead        atomic.Uint64
	BytesWritten     atomic.Uint64
	Messages         atomic.Uint64 // received
	UnknownMessages  atomic.Uint64 // of types that nobody knows; counted by Dispatchers
	UnknownEvents    atomic.Uint64 // user control events likewise
	BadData          atomic.Uint64 // messages that could not be read, or not as a whole
	Acknowledgements atomic.Uint64 // received
	Unanswered       atomic.Uint64 // pings and the like, because the peer did not read our answers
	Dropped          atomic.Uint64 // messages that found no room in a SendQueue
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

// Counters are the Session's, and those of the connections before it.
func (s *Session) Counters() *Counters { return s.config.Counters }
