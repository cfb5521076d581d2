package rtmp

import (
	"bytes"
	"context"
	"math"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

func commandBody(t *testing.T, values ...any) []byte {
	t.Helper()
	body, err := amf.AppendAMF0(nil, values...)
	require.NoError(t, err)
	return body
}

func TestConnectPacket(t *testing.T) {
	got := make(chan Packet, 1)
	url := newPeer(t, func(p *peer) {
		for m, err := p.Next(); err == nil; m, err = p.Next() {
			if m.Type == message.TypeCommandAMF0 {
				got <- m
				p.Call(0, "_result", 7, "properties", "information")
				break
			}
		}
		p.UntilGone()
	})
	c, err := New(url, nil)
	require.NoError(t, err)
	defer c.Close()
	require.ErrorIs(t, c.SendPacket(t.Context(), &Packet{}), ErrNotConnected)
	require.Nil(t, c.LocalAddr())
	require.Nil(t, c.RemoteAddr())
	require.False(t, c.Connected())

	body := commandBody(t, "connect", 7.0, amf.Object{{Name: "app", Value: "mine"}}, "more")
	k, err := c.ConnectPacket(conntest.Context(t), &Packet{Type: message.TypeCommandAMF0, ChunkStreamID: 5, Body: body})
	require.NoError(t, err)
	assert.Equal(t, 7.0, k.TransactionID())
	result, err := k.Result(conntest.Context(t))
	require.NoError(t, err)
	assert.Equal(t, "information", result)
	assert.Equal(t, []any{"properties", "information"}, k.Reply())
	assert.Equal(t, k.Reply(), c.ConnectReply())
	assert.True(t, c.Connected())
	sent := <-got
	assert.Equal(t, body, sent.Body)
	assert.EqualValues(t, 5, sent.ChunkStreamID)
	assert.Contains(t, url, c.RemoteAddr().String())
	assert.Equal(t, "127.0.0.1", c.LocalAddr().(*net.TCPAddr).IP.String())
	assert.NotEqual(t, c.LocalAddr(), c.RemoteAddr())
}

// sentBy returns the first count messages that program makes a Conn send, as the server receives them.
func sentBy(t *testing.T, count int, program func(c *Conn)) (all []Packet) {
	t.Helper()
	got := make(chan Packet, count)
	c := dialed(t, newPeer(t, func(p *peer) {
		p.AcceptConnect()
		for m, err := p.Next(); err == nil && len(got) < count; m, err = p.Next() {
			if m.Type != message.TypeWindowAckSize && m.Type != message.TypeUserControl { // skip the messages after connect
				got <- m
			}
		}
		p.UntilGone()
	}), nil)
	program(c)
	for range count {
		select {
		case m := <-got:
			all = append(all, m)
		case <-conntest.Context(t).Done():
			t.Fatal("the server has not got everything")
		}
	}
	return all
}

func TestSendPacket(t *testing.T) {
	first := Packet{Type: message.TypeAudio, ChunkStreamID: 9, Timestamp: 100, StreamID: 3, Body: []byte("first")}
	second := Packet{Type: message.TypeAudio, Format: chunk.Format2, ChunkStreamID: 9, Timestamp: 20, StreamID: 3, Body: []byte("after")}
	third := Packet{Type: message.TypeAudio, Format: chunk.Format2, ChunkStreamID: 9, Timestamp: 150, StreamID: 3, Absolute: true, Body: []byte("third")}
	fourth := Packet{Type: message.TypeVideo, StreamID: 3, Body: []byte("on the usual chunk stream")}
	got := sentBy(t, 4, func(c *Conn) {
		for _, p := range []Packet{first, second, third, fourth} {
			p.Body = bytes.Clone(p.Body)
			require.NoError(t, c.SendPacket(t.Context(), &p))
			clear(p.Body) // SendPacket does not retain p.Body
		}
		require.NoError(t, c.Close())
		require.ErrorIs(t, c.SendPacket(t.Context(), &first), net.ErrClosed)
	})
	second.Timestamp, third.Absolute, fourth.ChunkStreamID = 120, false, 6
	assert.Equal(t, []Packet{first, second, third, fourth}, got)
}

func TestCallOptions(t *testing.T) {
	got := sentBy(t, 3, func(c *Conn) {
		k, err := c.CallWith(t.Context(), CallOptions{}, "plain", 1.0)
		require.NoError(t, err)
		assert.Equal(t, 2.0, k.TransactionID(), "after connect")
		k, err = c.CallWith(t.Context(), CallOptions{Object: "object", ChunkStreamID: 8, StreamID: 5, TransactionID: 77}, "other")
		require.NoError(t, err)
		assert.Equal(t, 77.0, k.TransactionID())
		_, err = c.CallWith(t.Context(), CallOptions{AMF3: true}, "amf3")
		require.NoError(t, err)
	})
	for i, want := range []struct {
		packet Packet
		cmd    message.Command
	}{
		{Packet{Type: message.TypeCommandAMF0, ChunkStreamID: 3}, message.Command{Name: "plain", TransactionID: 2, Args: []any{1.0}}},
		{Packet{Type: message.TypeCommandAMF0, ChunkStreamID: 8, StreamID: 5}, message.Command{Name: "other", TransactionID: 77, Object: "object", Args: []any{}}},
		{Packet{Type: message.TypeCommandAMF3, ChunkStreamID: 3}, message.Command{Name: "amf3", TransactionID: 3, Args: []any{}}},
	} {
		cmd, err := message.ParseCommand(got[i].Type, got[i].Body)
		require.NoError(t, err)
		assert.Equal(t, want.cmd, cmd)
		assert.Equal(t, []uint32{uint32(want.packet.Type), want.packet.ChunkStreamID, want.packet.StreamID},
			[]uint32{uint32(got[i].Type), got[i].ChunkStreamID, got[i].StreamID})
	}
}

func TestUpdateBuffer(t *testing.T) {
	got := make(chan []byte, 10)
	_, s := playing(t, newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		for body := p.ExpectType(message.TypeUserControl); body != nil; body = p.ExpectType(message.TypeUserControl) {
			got <- body
		}
	}), &Options{Buffer: 7 * time.Second})
	assert.Equal(t, message.AppendSetBufferLength(nil, 1, 7000), <-got, "with play")
	for d, ms := range map[time.Duration]uint32{1500 * time.Millisecond: 1500, 0: 0, -time.Second: 0, math.MaxInt64: math.MaxUint32} {
		require.NoError(t, s.UpdateBuffer(t.Context(), d))
		assert.Equal(t, message.AppendSetBufferLength(nil, 1, ms), <-got, d)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.UpdateBuffer(ended, time.Second), context.Canceled)
}
