package rtmp

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
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

// TestQuickAcksWhileConnecting checks that received bytes are acknowledged at once until media arrives.
func TestQuickAcksWhileConnecting(t *testing.T) {
	next := make(chan struct{})
	url := newPeer(t, func(p *peer) {
		asSRS(p)
		<-next
		p.Media(message.TypeAudio, 0, []byte{0xAF, 1, 1})
		p.UntilGone()
	})
	c, s := playing(t, url, nil)
	used := maxQuickAcks - c.client.Load().quickAcks.left.Load()
	assert.Greater(t, used, int32(2), "the handshake and two answers at least")
	assert.Less(t, used, int32(maxQuickAcks/2), "more than connecting takes")
	close(next)
	var p Packet
	require.NoError(t, s.ReadPacket(&p))
	assert.Zero(t, c.client.Load().quickAcks.left.Load())
}

func TestQuickAcksOverEveryTransport(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		server := rtmptest.Server(t, testserver.Config{Scheme: scheme})
		c := dialed(t, server.URL("vod", "sample"), o)
		assert.Equal(t, strings.HasPrefix(scheme, "rtmpt"), c.client.Load().quickAcks.ack == nil)
	})
}

func TestQuickAcksEnd(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		for cmd := p.Expect("echo"); cmd != nil; cmd = p.Expect("echo") {
			p.Call(0, "_result", cmd.TransactionID, nil)
		}
	})
	c := dialed(t, url, nil)
	for range maxQuickAcks {
		_, err := c.RemoteMethod("echo")(conntest.Context(t))
		require.NoError(t, err)
	}
	assert.Zero(t, c.client.Load().quickAcks.left.Load())
}
