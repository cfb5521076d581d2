package rtmp

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// asSRS sends as SRS does: each message alone, and without TCP_NODELAY.
func asSRS(p *peer) {
	p.nc.(*net.TCPConn).SetNoDelay(false)
	cmd := p.expect("connect")
	p.control(message.TypeWindowAckSize, message.AppendUint32(nil, 2_500_000))
	p.control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 2_500_000, message.LimitDynamic))
	p.call(0, "_result", cmd.TransactionID, nil, message.StatusObject("status", "NetConnection.Connect.Success", ""))
	p.call(0, "onBWDone", 0, nil)
	cmd = p.expect("createStream")
	p.call(0, "_result", cmd.TransactionID, nil, 1.0)
	p.expect("play")
	p.control(message.TypeUserControl, message.AppendUserControl(nil, message.EventStreamBegin, 1))
	p.status("NetStream.Play.Reset")
	p.status("NetStream.Play.Start")
}

// What is read while we connect is acknowledged at once, until media comes.
func TestQuickAcksWhileConnecting(t *testing.T) {
	next := make(chan struct{})
	url := newPeer(t, func(p *peer) {
		asSRS(p)
		<-next
		p.media(message.TypeAudio, 0, []byte{0xAF, 1, 1})
		p.untilGone()
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
		server := sampleServer(t, testserver.Config{Scheme: scheme})
		c := dialed(t, server.URL("vod", "sample"), o)
		assert.Equal(t, strings.HasPrefix(scheme, "rtmpt"), c.client.Load().quickAcks.ack == nil)
	})
}

// A connection that never plays does not pay for it for ever.
func TestQuickAcksEnd(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.accept()
		for cmd := p.expect("echo"); cmd != nil; cmd = p.expect("echo") {
			p.call(0, "_result", cmd.TransactionID, nil)
		}
	})
	c := dialed(t, url, nil)
	for range maxQuickAcks {
		_, err := c.RemoteMethod("echo")(testContext(t))
		require.NoError(t, err)
	}
	assert.Zero(t, c.client.Load().quickAcks.left.Load())
}
