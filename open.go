package rtmp

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/swf"
)

// open makes a connection and sends its first messages with the end of the handshake. The player is hashed first, and may take
// Options.Timeout for itself; dialling and the handshake share one.
func (k *connector) open(parent context.Context, messages []chunk.Outgoing) (*client, error) {
	chunks := chunk.NewWriter()
	var data []byte
	for i := range messages {
		var err error
		if data, err = chunks.AppendMessage(data, &messages[i]); err != nil {
			return nil, err
		}
	}
	k.opts.Trace.connecting(k.announce, k.pipelining)
	player, err := k.fetchPlayer(parent)
	if err != nil {
		return nil, &HandshakeError{Stage: StageSWF, Err: stageError(parent, err)}
	}
	ctx, cancel := k.withTimeout(parent)
	defer cancel()
	c := newClient(k.core, k.settings, k.announce)
	nc, err := k.dial(ctx, c.link)
	if err != nil {
		return nil, &HandshakeError{Stage: transport.Stage(err), Err: stageError(parent, err)}
	}
	if err := k.dials(nc); err != nil {
		return nil, err
	}
	c.quickAcks.init(nc)
	if k.pipelining == PipelineHandshake {
		ctx, cancel = k.withPatience(ctx, connectPatience)
		defer cancel()
	}
	stop := context.AfterFunc(ctx, func() {
		if nc.SetDeadline(time.Unix(1, 0)) != nil { // DialContext's connections may know no deadlines
			nc.Close()
		}
	})
	k.opts.Trace.handshakeStart()
	began := time.Now()
	result, received, err := k.shakeHands(nc, &c.quickAcks, handshake.Config{
		Digest: player != nil, // servers that verify players want it, and some others don't understand it
		Data:   data,
		Early:  k.pipelining.early(),
	})
	if !stop() {
		err = ctx.Err() // whatever it has come to look like; the deadline may be set already
	}
	k.opts.Trace.handshakeDone(result, time.Since(began), messages, err)
	if err != nil {
		stage := StageRTMP
		if k.url.Transport().Encrypted {
			stage = StageRTMPE
		}
		var reset *net.OpError
		if err = stageError(parent, err); errors.As(err, &reset) {
			err = &session.LostError{What: "handshake", Cause: err}
		}
		return nil, &HandshakeError{Stage: stage, Err: err}
	}
	if result.In != nil {
		nc = transport.Encipher(nc, result.In, result.Out)
	}
	if player != nil {
		c.verification = swf.AppendVerifyResponse(nil, player.hash, player.size, result.S1Tail)
	}
	c.begin(k.recorded(nc, result, data), received, chunks)
	c.nc = nc // which knows more of the connection than one that records
	return c, nil
}

// shakeHands counts what it reads, since Acknowledgements do.
func (k *connector) shakeHands(nc net.Conn, acks *quickAcks, config handshake.Config) (_ *handshake.Result, received uint64, _ error) {
	if k.url.Transport().Encrypted {
		config.Encryption = handshake.EncryptionPlain
	}
	counter := &session.Counted{Conn: nc, BeforeRead: acks.arm}
	result, err := handshake.Client(counter, config)
	k.clock.rtt.Store(int64(counter.RoundTrip))
	k.counts.BytesRead.Add(counter.Received)
	if err == nil {
		k.counts.BytesWritten.Add(uint64(len(config.Data)))
	}
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

// dial connects to the server, and says on l what it is to be known of how.
func (k *connector) dial(ctx context.Context, l *link) (net.Conn, error) {
	dialer, err := k.dialer(k.opts.refuse)
	if err != nil {
		return nil, err
	}
	defer func() { l.near = dialer.Nearness() }()
	addr := net.JoinHostPort(k.url.Host, strconv.Itoa(int(k.url.EffectivePort())))
	l.relayed = k.opts.DialContext != nil || dialer.Proxied(addr)
	switch t := k.url.Transport(); {
	case t.Tunnel:
		return dialer.DialTunnel(ctx, addr, t.TLS)
	case t.TLS:
		return dialer.DialTLS(ctx, addr)
	}
	return dialer.Dial(ctx, addr)
}

// dialer refuses addresses that are so near, and nearer ones.
func (k *connector) dialer(refuse transport.Nearness) (*transport.Dialer, error) {
	return transport.NewDialer(transport.Config{Refuse: refuse,
		Proxy: k.opts.Proxy, DialContext: k.opts.DialContext, TLSConfig: k.opts.TLSConfig, HTTPClient: k.opts.HTTPClient})
}
