package rtmp

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

// likeSRS accepts a client as SRS 7 does: every small message leaves by itself, the answer to connect comes after everything else, and the
// message stream's id is not 1.
func (p *peer) likeSRS(streamID uint32) {
	connect := p.Expect("connect")
	if connect == nil {
		return
	}
	p.Control(message.TypeWindowAckSize, message.AppendUint32(nil, 2_500_000))
	p.Control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 2_500_000, message.LimitDynamic))
	p.Control(message.TypeSetChunkSize, message.AppendUint32(nil, 60_000))
	p.Call(0, "onBWDone", 0, nil)
	p.Call(0, "_result", connect.TransactionID, amf.Object{{Name: "fmsVer", Value: "FMS/3,5,3,888"}},
		message.StatusObject("status", "NetConnection.Connect.Success", "Connection succeeded"))
	if create := p.Expect("createStream"); create != nil {
		p.Call(0, "_result", create.TransactionID, nil, float64(streamID))
	}
}

func TestServerLikeSRS(t *testing.T) {
	const id = 5
	status := func(p *peer, code string) {
		p.Call(id, "onStatus", 0, nil, message.StatusObject("status", code, "Started."))
	}
	t.Run("play", func(t *testing.T) {
		over := make(chan struct{})
		url := newPeer(t, func(p *peer) {
			p.likeSRS(id)
			p.Expect("play")
			p.Send(peertest.Event(message.EventStreamBegin, id))
			status(p, "NetStream.Play.Reset")
			status(p, "NetStream.Play.Start")
			for i := range uint32(3) {
				p.Send(chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 6, StreamID: id, Timestamp: i * 40,
					Format: chunk.Format3, Body: []byte{0x17, 1, 0, 0, 0, byte(i)}})
			}
			status(p, "NetStream.Play.Stop")
			<-over // no FIN
		})
		t.Cleanup(func() { close(over) })
		_, s := playing(t, url, nil)
		assert.Equal(t, uint32(id), s.ID())
		for i := range uint32(3) {
			var got Packet
			require.NoError(t, s.ReadPacket(&got))
			assert.Equal(t, i*40, got.Timestamp)
			assert.Equal(t, byte(i), got.Body[5])
		}
		assert.Equal(t, io.EOF, s.ReadPacket(new(Packet)))
	})
	t.Run("publish", func(t *testing.T) {
		over, got := make(chan struct{}), make(chan uint32, 1)
		url := newPeer(t, func(p *peer) {
			p.likeSRS(id)
			p.Expect("publish")
			status(p, "NetStream.Publish.Start")
			var m chunk.Message
			for p.In.Next(&m) == nil {
				if message.Type(m.Type) == message.TypeVideo {
					got <- m.StreamID
				}
			}
			<-over // no FIN
		})
		t.Cleanup(func() { close(over) })
		c, s := publishing(t, url, nil)
		writePackets(t, s, 1, 1000)
		assert.Less(t, elapsed(func() { assert.NoError(t, c.Close()) }), 15*time.Second, "half of Timeout")
		assert.Equal(t, uint32(id), <-got)
	})
}
