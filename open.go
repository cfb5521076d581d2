package rtmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/swf"
)

// opener makes a connection: it dials and performs the handshake.
type opener struct {
	*core
	settings              // settings of the next connection
	announce   bool       // connect announces Enhanced RTMP
	pipelining Pipelining // how much pipelining to use
}

// usualConnect is a size in bytes that is enough for most connect commands.
const usualConnect = 768

// open makes a connection, and sends the first messages together with the end of the handshake. Before that, it hashes the player for SWF
// verification. Hashing may take Options.Timeout, and dialling and the handshake together may take the same time again.
func (k *opener) open(parent context.Context, messages []chunk.Outgoing) (*client, error) {
	chunks := chunk.NewWriter()
	data := make([]byte, 0, usualConnect)
	for i := range messages {
		var err error
		if data, err = chunks.AppendMessage(data, &messages[i]); err != nil {
			return nil, err
		}
	}
	k.opts.Trace.connecting(k.announce, k.pipelining)
	player, err := k.player(parent)
	if err != nil {
		return nil, &HandshakeError{Stage: StageSWF, Err: err}
	}
	if player != nil { // so that the next connection, to this or another server, need not fetch it again
		known := *k.opts
		known.SWFHash, known.SWFSize = player.hash, player.size
		k.opts = &known
	}
	ctx := k.beginStep(parent)
	defer k.steps.end()
	c := newClient(k.core, k.settings, k.announce)
	nc, err := k.dial(ctx, &c.link)
	if err != nil {
		return nil, &HandshakeError{Stage: transport.Stage(err), Err: k.misread(ctx.failed(err))}
	}
	if err := k.useConn(nc); err != nil {
		return nil, err
	}
	c.quickAcks.init(nc)
	k.opts.Trace.handshakeStart()
	began := time.Now()
	result, received, err := k.shakeHands(ctx, nc, &c.quickAcks, handshake.Config{
		Digest: player != nil, // servers that verify players require a digest, and some others don't understand it
		Data:   data,
		Early:  k.pipelining.early(),
	})
	k.opts.Trace.handshakeDone(result, time.Since(began), messages, err)
	if err != nil {
		return nil, k.notShaken(ctx.failed(err))
	}
	if result.In != nil {
		nc = transport.Encipher(nc, result.In, result.Out)
	}
	if player != nil {
		c.verification = swf.AppendVerifyResponse(nil, player.hash, player.size, result.S1Tail)
	}
	c.begin(k.recorded(nc, result, data, k.log), received, chunks)
	c.nc = nc // Unacknowledged and others need the connection itself, not the one that records
	return c, nil
}

// misread adds a hint to the error of dial if the host may be the user name of a URL whose password contains a /. librtmp and net/url also
// read the host of rtmp://user:1/2@host as "user".
func (k *opener) misread(err error) error {
	if strings.Contains(k.app(), "@") {
		return fmt.Errorf("%w: if %s is a user name, a / in it or its password must be written %%2F", err, quote.Peer(k.url.Host))
	}
	return err
}

func (k *opener) beginStep(parent context.Context) *step {
	return k.steps.begin(parent, k.opts.Timeout, k.opts.DialContext != nil || k.opts.HTTPClient != nil)
}

// dial connects to the server, and records in l how it is connected.
func (k *opener) dial(ctx context.Context, l *link) (net.Conn, error) {
	dialer, err := k.dialer(k.opts.refuse)
	if err != nil {
		return nil, err
	}
	addr := net.JoinHostPort(k.url.Host, strconv.Itoa(int(k.url.EffectivePort())))
	t := k.url.Transport()
	defer func() {
		l.near, l.relayed = dialer.Nearness(), t.Tunnel || k.opts.DialContext != nil || dialer.Proxied()
	}()
	switch {
	case t.Tunnel:
		return dialer.DialTunnel(ctx, addr, t.TLS)
	case t.TLS:
		return dialer.DialTLS(ctx, addr)
	}
	return dialer.Dial(ctx, addr)
}

// shakeHands performs the handshake within ctx. It counts the bytes that it reads, since Acknowledgements include them.
func (k *opener) shakeHands(ctx context.Context, nc net.Conn, acks *quickAcks, config handshake.Config) (_ *handshake.Result,
	received uint64, _ error) {
	if k.url.Transport().Encrypted {
		config.Encryption = handshake.EncryptionPlain
	}
	if k.pipelining == PipelineHandshake {
		var cancel context.CancelFunc
		ctx, cancel = k.withPatience(ctx, connectPatience)
		defer cancel()
	}
	stop := context.AfterFunc(ctx, func() {
		if nc.SetDeadline(time.Unix(1, 0)) != nil { // connections of DialContext may not support deadlines
			nc.Close()
		}
	})
	counter := &session.Counted{Conn: nc}
	counter.BeforeRead = func() { acks.arm(counter.Sent) }
	result, err := handshake.Client(counter, config)
	if !stop() {
		err = ctx.Err() // ctx is the real cause of err; the deadline may already be set
	}
	k.clock.rtt.Store(int64(counter.RoundTrip))
	k.counts.BytesRead.Add(counter.Received)
	if err == nil {
		k.counts.BytesWritten.Add(uint64(len(config.Data)))
	}
	return result, counter.Received, err
}

// notShaken returns the error of a handshake that has failed.
func (k *opener) notShaken(err error) error {
	stage := StageRTMP
	if k.url.Transport().Encrypted {
		stage = StageRTMPE
	}
	var reset *net.OpError
	if errors.As(err, &reset) {
		err = &session.LostError{What: "handshake", Cause: err}
	}
	return &HandshakeError{Stage: stage, Err: err}
}
