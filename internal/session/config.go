package session

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
)

// DefaultWindow is the acknowledgement window in bytes before the peer announces one (librtmp's 2,500,000).
const DefaultWindow = 2_500_000

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
	Sent           func(chunk.Outgoing)            // sees every message after it was encoded, under the write lock; may be nil
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
	UnknownEvents    atomic.Uint64 // user control events of unknown types
	BadData          atomic.Uint64 // messages that could not be decoded completely
	Acknowledgements atomic.Uint64 // received
	Unanswered       atomic.Uint64 // pings and similar requests, because the peer does not read our answers
	Dropped          atomic.Uint64 // messages dropped because a SendQueue was full
}
