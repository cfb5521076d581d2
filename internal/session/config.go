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
	// Dispatch handles a message that the Session does not handle itself. It must neither block nor write; it answers with Reply. direct is
	// the Sink of the goroutine that reads, if it has one. An error ends the Session.
	Dispatch(m *Message, direct Sink) error
	// Ended is called once, with the error that ends the Session, and returns the error that callers will see. It must not call
	// the Session, nor take a lock that is held when the Dispatcher calls Reply or Own.
	Ended(err error) error
}

// Config configures a Session.
type Config struct {
	Peer           string // the role of the other end, for errors: "server" or "client"
	MaxMessageSize int    // largest received message in bytes; 0 means the longest that RTMP allows
	// Timeout bounds each wait for an answer, and each write of at most timedSize bytes to the socket. A call of Writev is one write of any
	// size, so set Progress for it. <= 0 means no limit.
	Timeout time.Duration
	// Progress restarts the Timeout of a write whenever the peer accepts bytes. If the Timeout expires, the Session ends, even if only
	// replies are waiting.
	Progress       bool
	Window         uint32        // the peer's acknowledgement window in bytes until it sends one; 0 means DefaultWindow
	HandshakeBytes uint64        // bytes received in the handshake; Acknowledgements count them
	Chunks         *chunk.Writer // the writer that has encoded the messages sent with the handshake; nil if none were
	Counters       *Counters     // counters of a previous connection; nil means new ones
	BeforeRead     func() bool   // called before each read of the socket, until it returns false; may be nil
	// HungUp is called without locks before the Session ends because the peer has hung up. It may block, and may still write, since the peer
	// may have closed only its own side. stop prevents further writes, and reports whether none is in progress any more. HungUp may be nil.
	HungUp  func(stop func() bool)
	Tap     func(*Message) (bool, error)    // called first with every message; returns true to consume it; an error ends the Session; may be nil
	Sent    func(chunk.Outgoing)            // called with every message after it was encoded, with the write lock held; may be nil
	Mask    func(description string) string // removes secrets from the peer's description of a refusal; may be nil
	Strict  bool                            // a protocol or user control message that cannot be decoded ends the Session; otherwise it is counted
	Passive bool                            // only ReadPacket reads: a wait for the answer to a call leaves that to other goroutines
	Logger  *slog.Logger                    // may be nil
}

// Counters contains the counters of a connection, or of several connections that replace each other.
type Counters struct {
	BytesRead        atomic.Uint64
	BytesWritten     atomic.Uint64
	Messages         atomic.Uint64 // received
	UnknownMessages  atomic.Uint64 // of unknown types; counted by Dispatchers
	UnknownEvents    atomic.Uint64 // user control events of unknown types
	BadData          atomic.Uint64 // messages that could not be decoded completely
	Acknowledgements atomic.Uint64 // received
	Unanswered       atomic.Uint64 // pings and similar requests that were not answered, because the peer did not read the answers
	Dropped          atomic.Uint64 // messages dropped because a SendQueue was full
}
