package session

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestAcknowledgementsWrap checks that the sequence number is the number of bytes modulo 2^32.
func TestAcknowledgementsWrap(t *testing.T) {
	client, _ := pair(t, Config{HandshakeBytes: math.MaxUint32 - 10})
	w := &client.session.window
	w.acked = w.received
	w.count(DefaultWindow)
	require.True(t, client.session.replies.ackDue)
	require.EqualValues(t, DefaultWindow-11, client.session.replies.ack)
}

// TestAcknowledgements checks that an Acknowledgement is sent after half the window, that it counts all bytes since the beginning of the
// handshake, and that only the newest one is sent.
func TestAcknowledgements(t *testing.T) {
	client, server := pair(t, Config{Window: 1000, HandshakeBytes: 400})
	w := &client.session.window
	w.count(99)
	require.False(t, client.session.replies.ackDue)
	w.count(1)
	require.True(t, client.session.replies.ackDue)
	require.EqualValues(t, 500, client.session.replies.ack)
	w.count(499)
	require.EqualValues(t, 500, client.session.replies.ack)
	w.count(101)
	require.EqualValues(t, 1100, client.session.replies.ack)
	go client.session.Send(conntest.Context(t))
	var p message.Packet
	require.NoError(t, server.session.ReadPacket(conntest.Context(t), 0, &p))
	require.NoError(t, server.session.HandlePacket(conntest.Context(t), &p))
	require.EqualValues(t, 1100, server.session.Acknowledged())
	require.EqualValues(t, 1, server.session.Counters().Acknowledgements.Load())
}

// TestWindows checks that a Session uses the peer's window unless that is 0, and that it answers each new value of Set Peer Bandwidth once.
func TestWindows(t *testing.T) {
	client, _ := pair(t, Config{})
	w, r := &client.session.window, &client.session.replies
	handle := func(t1 message.Type, body []byte) {
		require.NoError(t, client.session.serve(&Message{Packet: message.Packet{Type: t1, Body: body}}, nil))
	}
	handle(message.TypeWindowAckSize, message.AppendUint32(nil, 0))
	require.EqualValues(t, DefaultWindow, w.size.Load())
	handle(message.TypeWindowAckSize, message.AppendUint32(nil, 5000))
	require.EqualValues(t, 5000, w.size.Load())
	handle(message.TypeWindowAckSize, []byte{1})
	require.EqualValues(t, 1, client.session.Counters().BadData.Load())

	handle(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 5000, message.LimitDynamic))
	require.True(t, r.windowDue)
	require.EqualValues(t, 5000, r.window)
	r.windowDue = false
	handle(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 5000, message.LimitDynamic))
	client.session.EchoWindow()
	require.False(t, r.windowDue, "known")
	handle(message.TypeWindowAckSize, message.AppendUint32(nil, 6000))
	client.session.EchoWindow()
	require.True(t, r.windowDue)
	require.EqualValues(t, 6000, r.window)
}
