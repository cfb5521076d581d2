package rtmp

import (
	"cmp"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
)

// Conn is a connection to an RTMP server: a NetConnection in Adobe's terms, an RTMP in librtmp's.
//
// All methods may be called from any goroutine. A Conn reads from the network only while a call waits for something, such as
// Stream.Read, Call.Result or ProcessPackets, or if Options.BackgroundRead is set.
type Conn struct {
	core   *core
	client atomic.Pointer[client] // the connection, once Connect has made it

	mu         sync.Mutex // guards the fields below
	setup      setup      // not changed after connecting has begun
	connecting bool

	closing sync.Once
	closed  error // result of Close; written by closing
}

type connKey struct{}

// FromContext returns the Conn of the handler that was called with ctx, or nil if ctx does not come from a handler.
func FromContext(ctx context.Context) *Conn {
	c, _ := ctx.Value(connKey{}).(*Conn)
	return c
}

// established returns the connection, or ErrNotConnected before Connect.
func (c *Conn) established() (*client, error) {
	if k := c.client.Load(); k != nil {
		return k, nil
	}
	return nil, ErrNotConnected
}

// Err returns the error that ended the connection: net.ErrClosed after Close, and nil while the connection is alive.
func (c *Conn) Err() error { return c.core.Err() }

// Done returns a channel that is closed when the connection has ended. Err then returns the reason.
func (c *Conn) Done() <-chan struct{} { return c.core.ctx.Done() }

// Connected reports whether Connect has succeeded and the connection is alive.
func (c *Conn) Connected() bool { return c.client.Load() != nil && c.Err() == nil }

// LocalAddr returns the local address of the connection, or nil before Connect.
func (c *Conn) LocalAddr() net.Addr {
	if k := c.client.Load(); k != nil {
		return k.nc.LocalAddr()
	}
	return nil
}

// RemoteAddr returns the address of the server, or of the proxy if there is one. It is nil before Connect.
func (c *Conn) RemoteAddr() net.Addr {
	if k := c.client.Load(); k != nil {
		return k.nc.RemoteAddr()
	}
	return nil
}

// ConnectReply returns the server's answer to connect: the properties and the information object. It is nil before the answer has
// arrived.
func (c *Conn) ConnectReply() []any {
	if k := c.client.Load(); k != nil {
		return k.connectCall.Reply()
	}
	return nil
}

// Capabilities returns what the server has said about Enhanced RTMP in its answer to connect. It returns the zero value before the answer
// has arrived.
func (c *Conn) Capabilities() Capabilities { return capabilities(c.ConnectReply()) }

// CreateStream opens a stream and plays it, or publishes it if StreamOptions.Writable is set. If opts is nil, it plays the stream that the
// URL or Options.Playpath names. CreateStream waits for the answer to connect, and returns when the server has started the stream or the
// first media has arrived. If the server refuses, the error is a *StatusError and the connection stays usable. With Options.Pipelining, the
// first CreateStream takes over the stream that Connect has requested, or closes that stream if opts describe another one.
func (c *Conn) CreateStream(ctx context.Context, opts *StreamOptions) (*Stream, error) {
	k, err := c.established()
	if err != nil {
		return nil, err
	}
	var o StreamOptions
	if opts != nil {
		o = *opts
	}
	if o.Writable && !k.opts.publishes() {
		k.log.Warn("rtmp: publishing without Options.Publish: the server may take this client for a player")
	}
	if _, err := k.connectCall.Result(ctx); err != nil {
		return nil, err
	}
	if s, err := k.takeAhead(ctx, o); s != nil || err != nil {
		return s, err
	}
	s := k.streams.newStream(o)
	err = k.session.Blocked() // checked first, since the server would keep a stream that CreateStream then can't use
	if err == nil {
		err = k.streams.open(ctx, s)
	}
	if err != nil {
		k.streams.abandon(s)
		return nil, s.notOpened(err)
	}
	return s, nil
}

// SharedObject connects to the shared object of that name in the Conn's application. It returns when the server has answered; the
// properties may arrive later. A server keeps a persistent object after its last user has left. A Conn can be connected to each name only
// once at a time.
func (c *Conn) SharedObject(ctx context.Context, name string, persistent bool) (*SharedObject, error) {
	k, err := c.established()
	if err != nil {
		return nil, err
	}
	if _, err := k.connectCall.Result(ctx); err != nil {
		return nil, err
	}
	return k.shared.use(ctx, name, persistent)
}

// Follow returns the URL and the options for a new Conn after a server has asked its clients to reconnect. tcURL is the address in the
// server's request. It may be relative to the present tcUrl; an empty one means the present tcUrl. The name of the stream stays the same.
// To receive such requests, a program announces ExtReconnect in the capsEx of Options.ConnectFields. Follow does not change c.
//
// Follow refuses a connection that is less well encrypted, and another host or port unless Options.FollowReconnect is FollowAny. Without
// FollowAny, a public server also cannot lead a client to private, link-local or loopback addresses: when the new Conn connects, it
// resolves the host name and refuses an address that is nearer to this machine than the address of c's server. It cannot check this if a
// proxy or Options.HTTPClient resolves the name.
//
// Credentials are not sent to another host or port. Credentials are the user and password of Options and URL, Auth, Token, UsherToken,
// ConnectData, ConnectFields, the client certificates of TLSConfig, the part of Playpath and Subscribe that follows a ?, and the user,
// password, query and fragment of PageURL and SWFURL. The name of a published stream is a key, so a publisher goes to another host or port
// only with FollowAny. The same rules hold for the redirects that Options.MaxRedirects allows, except that players may follow those to
// other hosts and ports.
//
// The caller should wait before it connects again, and should limit the number of attempts.
func (c *Conn) Follow(tcURL string) (rawURL string, o *Options, err error) {
	k, err := c.established()
	if err != nil {
		return "", nil, err
	}
	if rawURL, o, err = k.reconnect(tcURL, k.near); err != nil {
		return "", nil, session.During("reconnect", err)
	}
	return rawURL, o, nil
}

// Close ends the connection. All waiting calls return, and Close waits for all goroutines of the Conn. It cancels the context of a handler
// that is running, but does not wait for that handler. Close may be called from any goroutine, including a handler, and more than once:
// further calls wait for the first and return its error.
//
// If no stream was published, Close returns within a second. Otherwise it closes the streams, tells the server that nothing more will
// follow, and waits until the server has read everything and hung up. If the server does not hang up, Close returns one second after
// the server has acknowledged everything and stopped reading, or after Options.Timeout, whichever comes first. Media that still waits to be
// sent is given up earlier: as soon as the network accepts no byte for five seconds; see Stream.Close.
//
// An error means that some of the published media may not have arrived. If the connection was lost before Close, the error is that of
// Conn.Err. If the server has refused or ended a published stream, for instance because another publisher has taken over, it is a
// *StatusError, even if the server's message arrives during Close. Close returns no other errors.
//
// On Linux and macOS, Close asks the TCP socket what has arrived. On other systems, through a proxy or a tunnel, or with
// Options.DialContext, it sends the server a last command and waits for the answer. A server that closes the connection in an orderly way
// without answering is assumed to have read everything. Close does not notice a server that hangs after its system has received
// everything. If that matters, close the Stream, and wait for the answer to a last command before Close: an answer to createStream, which
// every server knows, means that the server has read everything before it.
//
//	err := stream.Close()
//	...
//	call, err := conn.Call(ctx, "createStream")
//	...
//	_, err = call.Result(ctx)
func (c *Conn) Close() error {
	c.closing.Do(func() { c.closed = c.close() })
	return c.closed
}

func (c *Conn) close() error {
	k := c.client.Load()
	if k == nil {
		c.core.fail(session.ErrClosed)
		c.core.join()
		return nil
	}
	last, refused := k.streams.closeAll()
	if c.Err() == nil {
		k.sayGoodbye(last)
	}
	err := c.core.fail(session.ErrClosed)
	c.core.join()
	var known *StatusError
	if late := k.farewell.late.Load(); late != nil && !errors.As(refused, &known) { // closing a Stream may only have found the connection lost
		refused = k.session.Refusal(late)
	}
	return cmp.Or(refused, k.farewell.lost(err)) // a refusal is also the reason if the server then hangs up
}

// Stats returns the current values of the counters.
func (c *Conn) Stats() Stats {
	n, k := &c.core.counts, c.client.Load()
	if k != nil {
		k.session.Recall() // counts what a Stream has read
	}
	s := Stats{BytesRead: n.BytesRead.Load(), BytesWritten: n.BytesWritten.Load(), Messages: n.Messages.Load(),
		UnknownMessages: n.UnknownMessages.Load(), UnknownEvents: n.UnknownEvents.Load(), BadData: n.BadData.Load(),
		LostMedia: n.lostMedia.Load(), StrayMedia: n.strayMedia.Load(), DroppedMessages: n.Dropped.Load(),
		DroppedEvents: n.droppedEvents.Load(), UnansweredPings: n.Unanswered.Load(), PipelineFallbacks: int(n.pipelineFallbacks.Load())}
	if k == nil {
		return s
	}
	s.Tolerated = k.session.Tolerated()
	s.WithoutEnhanced = !k.announced && !k.opts.NoEnhanced
	s.RTT, s.FirstMedia, s.LastMedia = time.Duration(k.clock.rtt.Load()), time.Duration(k.clock.first.Load()), k.clock.lastMedia()
	for _, stream := range k.streams.all() {
		s.QueuedBytes += stream.queued()
		if stream.options.Writable {
			s.SendQueueBytes += stream.sending.Unsent()
		}
	}
	return s
}
