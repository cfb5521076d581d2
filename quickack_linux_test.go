package rtmp

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// asSRS accepts a player and sends like SRS: each message separately, and without TCP_NODELAY.
func asSRS(p *peer) {
	p.Conn.(*net.TCPConn).SetNoDelay(false)
	cmd := p.Expect("connect")
	p.Control(message.TypeWindowAckSize, message.AppendUint32(nil, 2_500_000))
	p.Control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 2_500_000, message.LimitDynamic))
	p.Call(0, "_result", cmd.TransactionID, nil, message.StatusObject("status", "NetConnection.Connect.Success", ""))
	p.Call(0, "onBWDone", 0, nil)
	cmd = p.Expect("createStream")
	p.Call(0, "_result", cmd.TransactionID, nil, 1.0)
	p.Expect("play")
	p.Send(peertest.Event(message.EventStreamBegin, 1))
	p.Status("NetStream.Play.Reset")
	p.Status("NetStream.Play.Start")
}

// TestQuickAcksWhileConnecting checks that bytes received without a write between them are acknowledged at once, until media arrives.
func TestQuickAcksWhileConnecting(t *testing.T) {
	const ticks = 3
	ticked := make(chan struct{})
	tick := func(context.Context, []any) (any, error) { ticked <- struct{}{}; return nil, nil }
	next := make(chan struct{})
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		cmd := p.Expect("createStream")
		for range ticks { // each in a read of its own
			p.Call(0, "tick", 0, nil)
			<-ticked
		}
		p.Call(0, "_result", cmd.TransactionID, nil, 1.0)
		p.Expect("play")
		p.Status("NetStream.Play.Start")
		<-next
		p.Media(message.TypeAudio, 0, []byte{0xAF, 1, 1})
		p.UntilGone()
	})
	c, s := playing(t, url, &Options{Handlers: map[string]HandlerFunc{"tick": tick}})
	used := maxQuickAcks - c.client.Load().quickAcks.left.Load()
	assert.GreaterOrEqual(t, used, int32(ticks))
	assert.Less(t, used, int32(maxQuickAcks/2), "more than connecting takes")
	close(next)
	var p Packet
	require.NoError(t, s.ReadPacket(&p))
	assert.Zero(t, c.client.Load().quickAcks.left.Load())
}

// TestQuickAcksForSRS checks that a client opens a stream of a server that waits for acknowledgements.
func TestQuickAcksForSRS(t *testing.T) {
	playing(t, newPeer(t, func(p *peer) {
		asSRS(p)
		p.UntilGone()
	}), nil)
}

func TestQuickAcksOverEveryTransport(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		server := rtmptest.Server(t, testserver.Config{Scheme: scheme})
		c := dialed(t, server.URL("vod", "sample"), o)
		assert.Equal(t, strings.HasPrefix(scheme, "rtmpt"), c.client.Load().quickAcks.ack == nil)
	})
}

// TestQuickAcksAreFew checks that a write makes a quick acknowledgement superfluous, and that a connection without media ends them.
func TestQuickAcksAreFew(t *testing.T) {
	acks := 0
	q := quickAcks{ack: func() { acks++ }}
	q.left.Store(maxQuickAcks)
	for written := range uint64(maxQuickAcks) {
		q.arm(1 + written)
	}
	assert.Zero(t, acks, "each read follows a write")
	for range maxQuickAcks {
		assert.True(t, q.arm(maxQuickAcks))
	}
	assert.False(t, q.arm(maxQuickAcks))
	assert.Equal(t, maxQuickAcks, acks)
}
