package rtmp

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
)

// Conn is a session with an RTMP server: a NetConnection in Adobe's terms, an RTMP* in librtmp's.
//
// All methods may be called from any goroutine. Nothing is read from the network unless somebody waits for something
// (Stream.Read, Call.Result, ProcessPackets, ...) or Options.BackgroundRead is set.
type Conn struct {
	core   *core
	client atomic.Pointer[client] // the connection, once Connect has made it

	mu         sync.Mutex // guards the rest
	setup      setup      // as it was when connecting began
	connecting bool

	closing sync.Once
	closed  error // what Close returns; written by closing
}

type connKey struct{}

// FromContext returns the Conn whose handler has been given ctx, nil if ctx is of none.
func FromContext(ctx context.Context) *Conn {
	c, _ := ctx.Value(connKey{}).(*Conn)
	return c
}

// established returns the connection, once Connect has made it.
func (c *Conn) established() (*client, error) {
	if k := c.client.Load(); k != nil {
		return k, nil
	}
	return nil, ErrNotConnected
}

// Err is the error that ended the connection: net.ErrClosed after Close. It is nil while the connection lives.
func (c *Conn) Err() error { return c.core.Err() }

// Done is closed when the connection has ended; Err then says why.
func (c *Conn) Done() <-chan struct{} { return c.core.ctx.Done() }

// Connected reports whether Connect has succeeded and the connection lives.
func (c *Conn) Connected() bool { return c.client.Load() != nil && c.Err() == nil }

// LocalAddr is the local address of the connection, nil before Connect.
func (c *Conn) LocalAddr() net.Addr {
	if k := c.client.Load(); k != nil {
		return k.nc.LocalAddr()
	}
	return nil
}

// RemoteAddr is the server's (or the proxy's) address, nil before Connect.
func (c *Conn) RemoteAddr() net.Addr {
	if k := c.client.Load(); k != nil {
		return k.nc.RemoteAddr()
	}
	return nil
}

// ConnectReply is what connect's _result carried: the properties and the information object. It is nil before that.
func (c *Conn) ConnectReply() []any {
	if k := c.client.Load(); k != nil {
		return k.connectCall.Reply()
	}
	return nil
}

// Capabilities are what the server has answered to what connect has announced. They are zero before connect's Result.
func (c *Conn) Capabilities() Capabilities { return capabilities(c.ConnectReply()) }

// CreateStream opens a stream and plays it, or publishes with StreamOptions.Writable; nil opts play the playpath of the
// URL. It waits for connect's answer, and returns once the server has started the stream or, playing, the first media has
// arrived. A refusal is a *StatusError and leaves the connection usable. With Options.Pipelining, the first CreateStream takes over the
// stream that Connect has asked for if it wants the same; else that stream is closed.
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
	err = k.session.Blocked() // before the server is asked for a stream that it would keep
	if err == nil {
		err = k.streams.open(ctx, s)
	}
	if err != nil {
		k.streams.abandon(s)
		return nil, s.notOpened(err)
	}
	return s, nil
}

// SharedObject connects to the shared object of that name in the Conn's application, and returns when the server has
// answered; its properties may follow. A persistent object outlives its users. A name can be connected once on a Conn.
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

// Follow answers a request to reconnect, which connect must have announced by ExtReconnect in ConnectFields: it returns the
// URL and the options with which New makes the Conn for the place that tcURL names, relative to the present one; "" is the
// present one. The stream's name stays. Nothing happens to c.
//
// A server may not lead to a connection that is less well encrypted; to another host or port only if Options.FollowReconnect
// says so; and without FollowAny not to addresses that are nearer to this machine than its own, such as a public server to
// private, link-local or loopback addresses, which is checked when the new Conn connects, after names were resolved. (A
// proxy, or an HTTPClient, that resolves names is on its own.) What proves to one server who we are goes to no other host
// or port: the user and password of Options and URL, Auth, Token, UsherToken, ConnectData, ConnectFields, the client
// certificates of TLSConfig, what follows a ? in Playpath and Subscribe, and user, password, query and fragment of PageURL
// and SWFURL. A publisher, whose stream's name is a key, goes to another host or port
// only with FollowAny. All of this holds for MaxRedirects too, but that other hosts and ports are allowed there.
//
// It is up to the caller to pause in between, and not to follow for ever.
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

// Close ends the session: every waiting call returns, every goroutine of the Conn is joined but for a handler that is in
// the program's own code (its context has ended then). It may be called from anywhere, a handler included, any number of
// times: further calls wait for the first and return its error.
//
// It returns within a second, but after publishing: then it closes the open streams, tells the server that nothing more
// will come and waits until that has read everything and hung up. A server that does not hang up is given a second from when
// it has acknowledged everything and is no longer seen to read. Close waits for Options.Timeout at most.
//
// The error says that something published may not have arrived, also where the connection had died before; it is then that
// of Conn.Err. Nothing else is an error of Close. What has arrived is known from TCP on Linux and macOS, and elsewhere, through a
// proxy, or with Options.DialContext, from the server's answer to a last question; there, a server that hangs up in the orderly way
// without answering is believed to have read everything.
func (c *Conn) Close() error {
	c.closing.Do(func() { c.closed = c.close() })
	return c.closed
}

func (c *Conn) close() error {
	k := c.client.Load()
	var refused error
	if k != nil && c.Err() == nil {
		var last []chunk.Outgoing
		last, refused = k.streams.closeAll()
		k.sayGoodbye(last)
	}
	err := c.core.fail(session.ErrClosed)
	c.core.join()
	if k != nil {
		if lost := k.farewell.lost(err); lost != nil {
			return lost
		}
	}
	return refused
}

// Stats returns the connection's counters.
func (c *Conn) Stats() Stats {
	n := &c.core.counts
	s := Stats{BytesRead: n.BytesRead.Load(), BytesWritten: n.BytesWritten.Load(), Messages: n.Messages.Load(),
		UnknownMessages: n.UnknownMessages.Load(), UnknownEvents: n.UnknownEvents.Load(), BadData: n.BadData.Load(),
		LostMedia: n.lostMedia.Load(), StrayMedia: n.strayMedia.Load(), DroppedMessages: n.Dropped.Load(),
		DroppedEvents: n.droppedEvents.Load(), UnansweredPings: n.Unanswered.Load(), PipelineFallbacks: int(n.pipelineFallbacks.Load())}
	k := c.client.Load()
	if k == nil {
		return s
	}
	s.WithoutEnhanced = !k.announced && !k.opts.NoEnhanced
	s.RTT, s.FirstMedia, s.LastMedia = time.Duration(k.clock.rtt.Load()), time.Duration(k.clock.first.Load()), k.clock.newest()
	for _, stream := range k.streams.all() {
		s.QueuedBytes += stream.queued()
		s.SendQueueBytes += stream.sending.Waiting()
	}
	return s
}
