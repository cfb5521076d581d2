package rtmp

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

func TestServersOwnCalls(t *testing.T) {
	log := make(chan string, 4)
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Call(0, "onBWDone", 0, nil, 8192.0)
		p.Expect("_checkbw")
		log <- "_checkbw"
		p.Call(0, "onBWDone", 0, nil, 8192.0) // the client must answer only once
		p.Call(0, "ping", 0, nil)
		p.Expect("pong")
		log <- "pong"
		p.Call(0, "_onbwcheck", 12, nil, "payload")
		if cmd := p.Expect("_result"); cmd != nil && cmd.TransactionID == 12 {
			log <- "bandwidth"
		}
		p.Call(0, "close", 0, nil)
		p.UntilGone()
		close(log)
	})
	c := dialed(t, url, nil)
	err := c.ProcessPackets(conntest.Context(t))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, "close")
	var got []string
	for entry := range log {
		got = append(got, entry)
	}
	assert.Equal(t, []string{"_checkbw", "pong", "bandwidth"}, got)
}

func TestUnknownThingsAreSkipped(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Control(200, []byte("what?"))
		p.Send(peertest.Event(500, 1))
		p.Control(message.TypeAcknowledgement, []byte{0xF0, 0, 0, 0})
		p.Call(0, "_result", 4711, nil, "for nobody")
		p.Call(1, "onWhatever", 0, nil, 1.0)
		p.Data("onTextData", "x")
		p.Media(message.TypeDataAMF0, 0, []byte{0x99})
		p.sendMedia()
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	c, s := playing(t, url, nil)
	require.NoError(t, playsSent(t, s))
	stats := c.Stats()
	assert.EqualValues(t, []uint64{1, 1, 1}, []uint64{stats.UnknownMessages, stats.UnknownEvents, stats.BadData})
}

func TestBrokenProtocol(t *testing.T) {
	for name, test := range map[string]struct {
		t     message.Type
		body  []byte
		phase string
	}{
		"chunk size 0":    {message.TypeSetChunkSize, []byte{0, 0, 0, 0}, "chunk"},
		"chunk size 2^31": {message.TypeSetChunkSize, []byte{0x80, 0, 0, 0}, "chunk"},
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				p.sendMedia()
				if test.t == message.TypeSetChunkSize { // chunk.Writer refuses this message
					p.Conn.Write(append([]byte{2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0}, test.body...))
				} else {
					p.Control(test.t, test.body)
				}
				p.UntilGone()
			})
			c, s := playing(t, url, nil)
			err := playsSent(t, s)
			var bad *ProtocolError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, test.phase, bad.Phase)
			assert.ErrorIs(t, c.Err(), error(bad))
		})
	}
}

func TestAcknowledgements(t *testing.T) {
	const window = 20_000
	acks := make(chan []byte, 1)
	url := newPeer(t, func(p *peer) {
		p.Control(message.TypeWindowAckSize, message.AppendUint32(nil, window))
		p.AcceptPlayer()
		p.Media(message.TypeVideo, 1, make([]byte, 50_000))
		acks <- p.ExpectType(message.TypeAcknowledgement)
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	_, err := io.Copy(io.Discard, s)
	require.NoError(t, err)
	value, err := message.Uint32(message.TypeAcknowledgement, <-acks)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, value, uint32(window/2))
}

// TestPingFlood checks that the client continues to read if a server sends pings but reads nothing.
func TestPingFlood(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		ping := p.Encode(peertest.Event(message.EventPingRequest, 1))
		ping = append(ping, p.Encode(peertest.Event(message.EventPingRequest, 1))...)
		p.Conn.Write(ping[:12+6])
		for range 100 {
			p.Conn.Write(bytes.Repeat(ping[12+6:], 2000))
		}
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	_, err := s.Read(make([]byte, 10))
	require.ErrorIs(t, err, io.EOF)
}

// TestRepliesToAFlood checks a server that asks for more replies than the client queues. The client sends as many as fit, and only the
// newest window size, and the connection stays usable.
func TestRepliesToAFlood(t *testing.T) {
	const many = 4 * session.MaxReplies
	commandOf := func(name string, id float64) func(*peer) []byte {
		return func(p *peer) []byte {
			o, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: name, TransactionID: id})
			require.NoError(t, err)
			return p.Encode(o)
		}
	}
	for name, test := range map[string]struct {
		encode     func(p *peer) []byte
		unanswered bool
	}{
		"ping as a command": {commandOf("ping", 0), true},
		"_onbwcheck":        {commandOf("_onbwcheck", 3), true},
		"SWF verification": {func(p *peer) []byte {
			return p.Encode(session.Control(message.TypeUserControl, []byte{0, 26}))
		}, true},
		"Set Peer Bandwidth": {func(p *peer) []byte { // sends messages with different values
			return append(p.Encode(session.Control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 111111, 0))),
				p.Encode(session.Control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 222222, 0)))...)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptConnect()
				p.Conn.Write(test.encode(p)) // the first message has a full header
				flood := bytes.Repeat(test.encode(p), many)
				flood = append(flood, p.Encode(session.Control(message.TypeSetPeerBandwidth, message.AppendSetPeerBandwidth(nil, 424242, 0)))...)
				p.Conn.Write(flood)
				for {
					window := p.ExpectType(message.TypeWindowAckSize)
					if window == nil {
						return
					}
					if size, _ := message.Uint32(message.TypeWindowAckSize, window); size == 424242 {
						break
					}
				}
				p.Call(0, "answered", 0, nil)
				p.UntilGone()
			})
			c, err := New(url, &Options{SWFHash: make([]byte, 32), SWFSize: 1})
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Connect(conntest.Context(t))
			require.NoError(t, err)
			_, err = c.WaitInvoke(conntest.Context(t), "answered")
			require.NoError(t, err)
			if !test.unanswered {
				require.Zero(t, c.Stats().UnansweredPings)
			}
		})
	}
}

// likeSRS accepts a client as SRS 7 does: with small messages sent separately, the answer to connect last, and a message stream id other
// than 1.
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
			<-over // keep the connection open: no FIN is sent
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
			<-over // keep the connection open: no FIN is sent
		})
		t.Cleanup(func() { close(over) })
		c, s := publishing(t, url, nil)
		writePackets(t, s, 1, 1000)
		assert.Less(t, elapsed(func() { assert.NoError(t, c.Close()) }), 15*time.Second, "half of Timeout")
		assert.Equal(t, uint32(id), <-got)
	})
}
