package rtmp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

const (
	// defaultWindow is the acknowledgement window in bytes before the server announces one (librtmp's 2,500,000).
	defaultWindow = 2_500_000
	// closeTimeout bounds what Close says to the server before it hangs up.
	closeTimeout = 250 * time.Millisecond
)

// Conn is a session with an RTMP server: a NetConnection in Adobe's terms, an RTMP* in librtmp's.
//
// All methods may be called from any goroutine. Nothing is read from the network unless somebody waits for something
// (Stream.Read, Call.Result, ProcessPackets, ...) or Options.BackgroundRead is set.
type Conn struct {
	opts *Options
	url  *rtmpurl.URL
	log  *slog.Logger

	nc      net.Conn // set before started; never changed after
	out     writeSide
	pump    pump
	calls   calls
	invoked handlers

	started       atomic.Bool
	connectCall   *Call
	standing      *waiter
	startStanding func() // starts the standing reader, once

	chunkSizeSent, published, closing, amf3 atomic.Bool
	counts                                  counts

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
	if c.closing.Load() { // the server's hanging up is what Close waits for
		err = fmt.Errorf("rtmp: %w", net.ErrClosed)
	}
	c.err = err
	if c.nc != nil {
		c.nc.Close()
	}
	close(c.done)
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

// Connect dials, shakes hands and sends the connect command; it is the first to touch the network. It does not wait for
// the server's answer: that is the Call's Result. But with PublishUser or MaxRedirects it does, since it may have to
// connect again. The error is an *OptionError, *HandshakeError or one of ctx; a Conn whose Connect failed is dead.
func (c *Conn) Connect(ctx context.Context) (*Call, error) {
	if err := c.beginConnect(); err != nil {
		return nil, err
	}
	var a admission
	for {
		o, err := c.connectMessage(&a)
		if err != nil {
			return nil, err
		}
		k, err := c.connect(ctx, 1, o)
		if err != nil || !c.opts.negotiates() {
			return c.connected(k, err)
		}
		again, err := c.admit(ctx, &a, k)
		if err != nil || !again {
			return c.connected(k, err)
		}
		c.again()
	}
}

// connectMessage is the connect command that Options and URL describe.
func (c *Conn) connectMessage(a *admission) (chunk.Outgoing, error) {
	object, err := c.connectObject(a.query)
	if err != nil {
		return chunk.Outgoing{}, err
	}
	args := c.opts.ConnectData
	if c.opts.Auth != "" {
		args = append([]any{true, c.opts.Auth}, args...)
	}
	return command(csCommand, 0, &message.Command{Name: "connect", TransactionID: 1, Object: object, Args: args})
}

// ConnectPacket is Connect with a connect command of the caller's making. Its transaction id is that of p.
func (c *Conn) ConnectPacket(ctx context.Context, p *Packet) (*Call, error) {
	id := 1.0
	if cmd, err := message.ParseCommand(p.Type, p.Body); err == nil {
		id = cmd.TransactionID
	}
	if err := c.beginConnect(); err != nil {
		return nil, err
	}
	k, err := c.connect(ctx, id, p.outgoing())
	return c.connected(k, err)
}

// beginConnect makes sure that Connect is called once.
func (c *Conn) beginConnect() error {
	if err := c.opts.supported(c.url); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	if c.connecting {
		return errors.New("rtmp: connect: called a second time")
	}
	c.connecting = true
	return nil
}

// connect makes a connection and sends connect on it.
func (c *Conn) connect(ctx context.Context, transactionID float64, o chunk.Outgoing) (*Call, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.own(func() { // Close ends a Connect under way
		select {
		case <-c.done:
			cancel()
		case <-ctx.Done():
		}
	})
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	k := c.calls.add(c, "connect", transactionID)
	c.connectCall = k
	return k, c.send(ctx, o)
}

// connected opens the Conn for use, or ends it.
func (c *Conn) connected(k *Call, err error) (*Call, error) {
	if err != nil {
		return nil, c.fail(err)
	}
	c.started.Store(true)
	if c.opts.BackgroundRead {
		c.startStanding()
	}
	return k, nil
}

// open dials and shakes hands, both within Options.Timeout.
func (c *Conn) open(parent context.Context) error {
	ctx := parent
	if c.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(parent, c.opts.Timeout)
		defer cancel()
	}
	nc, err := c.dial(ctx)
	if err != nil {
		return &HandshakeError{Stage: "dial", Err: stageError(parent, err)}
	}
	c.mu.Lock()
	c.nc = nc
	closed := c.err
	c.mu.Unlock()
	if closed != nil {
		nc.Close()
		return closed
	}
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(past) })
	counter := &countingConn{Conn: nc}
	_, err = handshake.Client(counter, handshake.Config{})
	if !stop() && err == nil {
		err = ctx.Err() // the deadline may be set already
	}
	if err != nil {
		var reset *net.OpError
		if err = stageError(parent, err); errors.As(err, &reset) {
			err = &lostError{what: "handshake", cause: err}
		}
		return &HandshakeError{Stage: "rtmp", Err: err}
	}
	c.pump.received = counter.received
	c.pump.in = chunk.NewReader(source{c}, c.opts.MaxMessageSize)
	c.out.try = newTryWriter(nc)
	return nil
}

// stageError tells the caller's own context ending from Options.Timeout running out.
func stageError(parent context.Context, err error) error {
	if parent.Err() != nil {
		return parent.Err()
	}
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return &timeoutError{what: "no answer"}
	}
	return err
}

type countingConn struct {
	net.Conn
	received uint64
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.received += uint64(n)
	return n, err
}

func (c *Conn) dial(ctx context.Context) (net.Conn, error) {
	addr := net.JoinHostPort(c.url.Host, strconv.Itoa(int(c.url.EffectivePort())))
	if dial := c.opts.DialContext; dial != nil {
		return dial(ctx, "tcp", addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// app is connect's application.
func (c *Conn) app() string {
	if c.opts.App != "" {
		return c.opts.App
	}
	return c.url.App
}

// connectObject is connect's command object, in librtmp's order (RTMP 1.0 section 7.2.1.1). query goes behind app and
// tcUrl.
func (c *Conn) connectObject(query string) (amf.Object, error) {
	o := c.opts
	o.closeConnectObjects()
	tcURL := o.TCURL
	if tcURL == "" {
		tcURL = c.url.TCURL(o.App)
	}
	app := c.app() + query
	tcURL += query
	object := amf.Object{{Name: "app", Value: app}}
	if o.publishes() {
		object = append(object, amf.Property{Name: "type", Value: "nonprivate"})
	}
	object = append(object, amf.Property{Name: "flashVer", Value: o.flashVer()})
	object = withString(object, "swfUrl", o.SWFURL)
	object = withString(object, "tcUrl", tcURL)
	if !o.publishes() {
		object = append(object,
			amf.Property{Name: "fpad", Value: false},
			amf.Property{Name: "capabilities", Value: 15.0},
			amf.Property{Name: "audioCodecs", Value: 3191.0}, // Adobe's servers filter media by these
			amf.Property{Name: "videoCodecs", Value: 252.0},
			amf.Property{Name: "videoFunction", Value: 1.0})
		object = withString(object, "pageUrl", o.PageURL)
	}
	if o.ObjectEncoding != 0 {
		object = append(object, amf.Property{Name: "objectEncoding", Value: float64(o.ObjectEncoding)})
	}
	return append(object, o.ConnectFields...), nil
}

// publishes reports whether connect is a publisher's.
func (o *Options) publishes() bool { return o.Publish || o.PublishUser != "" }

func (o *Options) flashVer() string {
	switch {
	case o.FlashVer != "":
		return o.FlashVer
	case o.publishes():
		return publisherFlashVer
	}
	return defaultFlashVer
}

// defaultFlashVer is librtmp's.
const defaultFlashVer = "LNX 10,0,32,18"

func withString(o amf.Object, name, value string) amf.Object {
	if value == "" {
		return o
	}
	return append(o, amf.Property{Name: name, Value: value})
}

// ConnectReply is what connect's _result carried: the properties and the information object. It is nil before that.
func (c *Conn) ConnectReply() []any {
	if !c.started.Load() {
		return nil
	}
	return c.connectCall.Reply()
}

// playpath is the stream name that Options or the URL give.
func (c *Conn) playpath() string {
	if c.opts.Playpath != "" {
		return c.opts.Playpath
	}
	return c.url.Playpath
}

// Close ends the session: every waiting call returns, every goroutine of the Conn is joined but for a handler that is in
// the program's own code (its context has ended then). It may be called from anywhere, a handler included, any number of
// times. It returns within a second, but after publishing: then it closes the open streams, tells the server that nothing
// more will come and waits, at most for Options.Timeout, until that has read everything and hung up. The error is what
// was lost of something published.
func (c *Conn) Close() error {
	var lost error
	if c.Connected() && c.closing.CompareAndSwap(false, true) {
		lost = c.sayGoodbye()
	}
	c.fail(fmt.Errorf("rtmp: %w", net.ErrClosed))
	c.owned.Wait()
	return lost
}

// sayGoodbye deletes the open streams, as librtmp does, if the server is there to be told.
func (c *Conn) sayGoodbye() (lost error) {
	var farewell []chunk.Outgoing
	for _, s := range c.streams.all() {
		if s.options.Writable {
			lost = errors.Join(lost, s.Close())
		} else if o, err := s.farewell(); err == nil {
			farewell = append(farewell, o...)
		}
	}
	timeout := closeTimeout
	if c.published.Load() {
		timeout = max(timeout, c.opts.Timeout)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if len(farewell) > 0 {
		c.send(ctx, farewell...)
	}
	if c.published.Load() && c.Err() == nil {
		c.linger(ctx)
	}
	return lost
}

// Stats are counters of one connection, since its start.
type Stats struct {
	BytesRead, BytesWritten uint64 // of the RTMP connection, handshake included in BytesRead
	Messages                uint64 // received
	UnknownMessages         uint64 // of a type the library does not know
	UnknownEvents           uint64 // user control events likewise
	BadData                 uint64 // data messages whose AMF could not be read; they were passed on as they were
	StrayMedia              uint64 // media for no open stream
	UnansweredPings         uint64 // because the server did not read our answers
	QueuedBytes             int    // media read and not yet consumed, of all streams
	SendQueueBytes          int    // media written and not yet sent, of all streams
	DroppedMessages         uint64 // media that found no room in its stream's send queue, of all open streams
}

type counts struct{ messages, unknownMessages, unknownEvents, badData, strayMedia atomic.Uint64 }

// Stats returns the connection's counters.
func (c *Conn) Stats() Stats {
	s := Stats{Messages: c.counts.messages.Load(), UnknownMessages: c.counts.unknownMessages.Load(),
		UnknownEvents: c.counts.unknownEvents.Load(), BadData: c.counts.badData.Load(),
		StrayMedia: c.counts.strayMedia.Load()}
	c.pump.mu.Lock()
	s.BytesRead = c.pump.received
	c.pump.mu.Unlock()
	c.out.mu.Lock()
	s.BytesWritten, s.UnansweredPings = c.out.total, c.out.dropped
	c.out.mu.Unlock()
	for _, stream := range c.streams.all() {
		s.QueuedBytes += stream.queued()
		waiting, dropped := stream.sending.state()
		s.SendQueueBytes += waiting
		s.DroppedMessages += dropped
	}
	return s
}
