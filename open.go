package rtmp

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/swf"
)

// scheme is what a URL's scheme asks for.
type scheme struct {
	tls       bool // rtmps, rtmpts
	tunnel    bool // rtmpt, rtmpte, rtmpts: HTTP requests
	encrypted bool // rtmpe, rtmpte: by the handshake, which hides and does not authenticate
}

var schemes = map[string]scheme{
	"rtmp":   {},
	"rtmps":  {tls: true},
	"rtmpe":  {encrypted: true},
	"rtmpt":  {tunnel: true},
	"rtmpts": {tls: true, tunnel: true},
	"rtmpte": {tunnel: true, encrypted: true},
}

// open makes a connection that is ready for its first message. The player is hashed first, and may take Options.Timeout for
// itself; dialling and the handshake share one.
func (c *Conn) open(parent context.Context) error {
	player, err := c.player(parent)
	if err != nil {
		return &HandshakeError{Stage: StageSWF, Err: stageError(parent, err)}
	}
	ctx, cancel := c.withTimeout(parent)
	defer cancel()
	nc, err := c.dial(ctx)
	if err != nil {
		return &HandshakeError{Stage: transport.Stage(err), Err: stageError(parent, err)}
	}
	c.mu.Lock()
	closed := c.err
	if closed == nil {
		c.dialed = nc
	}
	c.mu.Unlock()
	if closed != nil {
		nc.Close()
		return closed
	}
	k := &client{conn: c}
	k.quickAcks.init(nc)
	stop := context.AfterFunc(ctx, func() {
		if nc.SetDeadline(time.Unix(1, 0)) != nil { // DialContext's connections may know no deadlines
			nc.Close()
		}
	})
	result, received, err := c.shakeHands(nc, &k.quickAcks, player != nil)
	if !stop() {
		err = ctx.Err() // whatever it has come to look like; the deadline may be set already
	}
	if err != nil {
		stage := StageRTMP
		if schemes[c.url.Scheme].encrypted {
			stage = StageRTMPE
		}
		var reset *net.OpError
		if err = stageError(parent, err); errors.As(err, &reset) {
			err = &session.LostError{What: "handshake", Cause: err}
		}
		return &HandshakeError{Stage: stage, Err: err}
	}
	if result.In != nil {
		nc = transport.Encipher(nc, result.In, result.Out)
	}
	if player != nil {
		k.verification = swf.AppendVerifyResponse(nil, player.hash, player.size, result.S1Tail)
	}
	return c.begin(k, nc, received)
}

// begin makes a session of nc, of which so many bytes were received.
func (c *Conn) begin(k *client, nc net.Conn, received uint64) error {
	k.nc = nc
	k.session = session.New(nc, k, session.Config{Peer: "server", MaxMessageSize: c.opts.MaxMessageSize, Timeout: c.opts.Timeout,
		HandshakeBytes: received, Counters: &c.counts.Counters, BeforeRead: k.quickAcks.arm, Mask: c.mask, Logger: c.log})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil { // else nc is being closed
		c.dialed, c.client, c.session = nil, k, k.session
	}
	return c.err
}

func (c *Conn) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.opts.Timeout > 0 {
		return context.WithTimeout(ctx, c.opts.Timeout)
	}
	return context.WithCancel(ctx)
}

// shakeHands counts what it reads, since Acknowledgements do.
func (c *Conn) shakeHands(nc net.Conn, acks *quickAcks, verify bool) (_ *handshake.Result, received uint64, _ error) {
	config := handshake.Config{Digest: verify} // servers that verify players want it, and some others don't understand it
	if schemes[c.url.Scheme].encrypted {
		config.Encryption = handshake.EncryptionPlain
	}
	counter := &session.Counted{Conn: nc, BeforeRead: acks.arm}
	result, err := handshake.Client(counter, config)
	c.counts.BytesRead.Add(counter.Received)
	return result, counter.Received, err
}

// stageError tells the caller's own context ending from Options.Timeout running out.
func stageError(parent context.Context, err error) error {
	if parent.Err() != nil {
		return parent.Err()
	}
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		what := "no answer"
		if proxy := (*transport.ProxyError)(nil); errors.As(err, &proxy) && proxy.Addr != "" {
			what += " from " + proxy.Scheme + " " + proxy.Addr
		}
		return &session.TimeoutError{What: what}
	}
	return err
}

func (c *Conn) dial(ctx context.Context) (net.Conn, error) {
	dialer, err := c.dialer(c.opts.refuse)
	if err != nil {
		return nil, err
	}
	defer func() { c.near = dialer.Nearness() }()
	addr := net.JoinHostPort(c.url.Host, strconv.Itoa(int(c.url.EffectivePort())))
	c.relayed = c.opts.DialContext != nil || dialer.Proxied(addr)
	switch s := schemes[c.url.Scheme]; {
	case s.tunnel:
		return dialer.DialTunnel(ctx, addr, s.tls)
	case s.tls:
		return dialer.DialTLS(ctx, addr)
	}
	return dialer.Dial(ctx, addr)
}

// dialer refuses addresses that are so near, and nearer ones.
func (c *Conn) dialer(refuse transport.Nearness) (*transport.Dialer, error) {
	return transport.NewDialer(transport.Config{Refuse: refuse,
		Proxy: c.opts.Proxy, DialContext: c.opts.DialContext, TLSConfig: c.opts.TLSConfig, HTTPClient: c.opts.HTTPClient})
}
