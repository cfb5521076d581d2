package server

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Conn is the connection of a client. Its methods may be called from any goroutine, and in hooks.
type Conn struct {
	// One goroutine reads: the reader goroutine of the session, or the caller of ReadPacket. For each message it calls the dispatcher
	// (dispatch.go), which neither blocks nor writes. Commands (commands.go) are served in the order of their arrival on the hooks'
	// goroutine, which exists only while there are commands to serve. Media goes directly from the reader to the ingest of its stream.
	//
	// This is the lock order of the package, outermost first. It includes some locks of session.Session and package live, whose comments
	// list the order of all of theirs:
	//
	//	Server.mu; lifetime.mu, in Ended -> Conn.mu -> netStream.mu; stream.mu of live
	//	reader.dispatching -> Conn.mu; ingest.mu -> waiting.mu; Hub.mu and stream.mu of live; locks of the session
	//	sharedObjects.mu, Player.mu of live -> locks of the session
	//	recording.mu -> Callbacks.mu
	//
	// While watchdog.mu is held, no other lock is taken.

	server    *Server
	id        uint64
	dialed    net.Conn // the connection as it was accepted
	nc        net.Conn // the connection under RTMPE
	remote    net.Addr
	tls       *tls.ConnectionState
	transport string
	byHand    bool // made by Accept, so that only ReadPacket reads
	s1Tail    [32]byte
	log       *slog.Logger
	ctx       context.Context
	cancel    context.CancelCauseFunc

	session  *session.Session // set by shakeHands, before other goroutines use the Conn; until then only the Server uses it, with mu held
	hooks    session.Callbacks
	waiting  waiting
	watchdog watchdog
	leaving  atomic.Bool // no more requests are served
	saidBye  atomic.Bool
	rejected atomic.Bool // Reject was called
	informed atomic.Bool // everything that the client should know about the end of the connection has been written

	connected atomic.Bool // connect has been accepted; set before the client is told

	mu       sync.Mutex // guards the fields below
	app      application
	appName  string // application with its instance
	query    queries
	connect  message.Packet // the encoded command, since the decoded one takes ten times the memory
	user     string
	methods  map[string]Method
	streams  map[uint32]*netStream
	open     int // number of streams that have not been deleted
	lastID   uint32
	admitted bool // App.Connect has returned nil, so App.Disconnect must be called
	opening  net.Conn
	err      error
}

type contextKey struct{}

// FromContext returns the client for which a hook or a Method was called with ctx. It returns nil if ctx is not such a context.
func FromContext(ctx context.Context) *Conn {
	c, _ := ctx.Value(contextKey{}).(*Conn)
	return c
}

// Context returns a context that is done when the connection has ended.
func (c *Conn) Context() context.Context { return c.ctx }

// ID returns the number of the connection. It is unique among the connections of the
// Server.
func (c *Conn) ID() uint64 { return c.id }

// App returns the application and its instance from connect's app, without parameters and without /_definst_.
func (c *Conn) App() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.appName
}

// Connect returns the client's connect command: its command object and the arguments after it.
func (c *Conn) Connect() message.Command {
	c.mu.Lock()
	p := c.connect
	c.mu.Unlock()
	cmd, _ := message.ParseCommand(p.Type, p.Body) // no error: connect was parsed when it arrived
	return cmd
}

// RemoteAddr returns the client's address. For a connection from a trusted proxy it is the address that the proxy has given.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// TLS returns the state of RTMPS and RTMPTS connections, and nil for others.
func (c *Conn) TLS() *tls.ConnectionState { return c.tls }

// User returns the name with which the client has authenticated itself (see Credentials), or "" if it has not.
func (c *Conn) User() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.user
}

// Peers returns the connected clients with the same App, including c.
func (c *Conn) Peers() []*Conn {
	name := c.App()
	return slices.DeleteFunc(c.server.Conns(), func(other *Conn) bool { return other.App() != name })
}

// Streams returns the requests of the streams that the client publishes and plays.
func (c *Conn) Streams() []*Request {
	streams := c.allStreams()
	slices.SortFunc(streams, func(a, b *netStream) int { return int(a.id) - int(b.id) })
	var requests []*Request
	for _, st := range streams {
		if a := st.activity(); a != nil {
			requests = append(requests, a.asked())
		}
	}
	return requests
}

// ConnStats are the counters of a connection. They count bytes of RTMP, including the handshake.
type ConnStats struct {
	BytesIn, BytesOut uint64
	Messages          uint64 // received
}

// Stats returns the connection's counters.
func (c *Conn) Stats() ConnStats {
	n := c.session.Counters()
	return ConnStats{BytesIn: n.BytesRead.Load(), BytesOut: n.BytesWritten.Load(), Messages: n.Messages.Load()}
}

// Err returns the error that has ended the connection, or nil if it has not ended.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection at once. It does not wait for hooks.
func (c *Conn) Close() error {
	c.fail(session.ErrClosed)
	return nil
}

// fail ends the connection.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	sess, nc := c.session, c.opening
	c.mu.Unlock()
	if sess != nil {
		sess.Fail(err)
		return
	}
	c.end(err)
	if nc != nil {
		nc.Close()
	}
}

// end records err as the reason for the end of the connection.
func (c *Conn) end(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.mu.Unlock()
	c.cancel(err)
}

func (c *Conn) application() application {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.app
}

// Reject disconnects the client. It sends an onStatus for err, in the same form as for the error of a hook (see [Refusal]). It closes the
// connection after all queued messages have been sent.
func (c *Conn) Reject(err error) {
	if c.leaving.Load() || c.rejected.Swap(true) {
		return
	}
	r := refusalOf(err, message.CodeConnectRejected)
	if o, bad := statusMessage(0, "error", r.Code, r.Description, r.extra()); bad == nil {
		c.session.TryReply(o)
	}
	c.leave() // last: nothing must hang up before the status is queued
}

// hangUp ends the connection in such a way that the client receives everything that was sent. It sends a FIN, and closes the socket when
// the client has closed its side, or after lingerTimeout. If the socket were closed with unread input, the system would send a reset.
func (c *Conn) hangUp() {
	c.leaving.Store(true)
	if c.saidBye.Swap(true) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lingerTimeout)
	defer cancel()
	c.session.Leaving()
	if c.session.Send(ctx) != nil {
		c.fail(session.ErrClosed)
		return
	}
	c.informed.Store(true)
	if !c.session.CloseWrite(ctx) {
		c.fail(session.ErrClosed)
		return
	}
	select {
	case <-ctx.Done():
		c.fail(session.ErrClosed)
	case <-c.session.Done():
	}
}

// leave is like hangUp, but does not wait.
func (c *Conn) leave() {
	c.leaving.Store(true)
	c.session.Own(c.hangUp)
}

// later runs f on the hooks' goroutine. size is the memory that f holds, in bytes.
func (c *Conn) later(size int, f func()) {
	c.hooks.Run(size, func() { c.guard(f) })
}

// guard runs f, and ends the connection if it panics, as net/http does.
func (c *Conn) guard(f func()) {
	defer application{panicked: c.panicked}.recovered(nil)
	f()
}

func (c *Conn) panicked(err *message.PanicError) {
	c.log.Error("rtmp: panic while serving a connection", "panic", err.Value, "stack", string(err.Stack))
	c.fail(err)
}

// status and command return when the message is written. They fail if a write makes no progress for WriteTimeout. The
// reader must not call them.
func (c *Conn) status(id uint32, level, code, description string) error {
	return c.session.SendReply(session.Status(id, level, code, description))
}

func (c *Conn) command(id uint32, name string, transaction float64, object any, args ...any) error {
	o, err := session.Command(session.ChunkStreamCommand, id,
		&message.Command{Name: name, TransactionID: transaction, Object: object, Args: args})
	if err != nil {
		return err
	}
	return c.session.SendReply(o)
}
