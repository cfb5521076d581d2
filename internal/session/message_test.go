package session

import (
	"bytes"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// TestPayload checks that a payload is the same wherever it is stored, and that it can be detached only if the chunk reader allows that.
func TestPayload(t *testing.T) {
	body := bytes.Repeat([]byte("body"), 1000) // too long to be left in the read buffer
	wire, err := chunk.NewWriter().AppendMessage(nil, &chunk.Outgoing{Type: 9, ChunkStreamID: 6, StreamID: 1, Timestamp: 7, Body: body})
	require.NoError(t, err)
	var in chunk.Message
	require.NoError(t, chunk.NewReader(iotest.OneByteReader(bytes.NewReader(wire)), 0).Next(&in))
	var chunked Message
	chunked.receive(&in)
	plain := Message{Packet: message.Packet{Body: body}}
	for _, m := range []*Message{&chunked, &plain} {
		require.Equal(t, len(body), m.Size())
		dst := make([]byte, len(body))
		m.CopyTo(dst)
		require.Equal(t, body, dst)
		require.Equal(t, body, m.Payload())
	}
	_, ok := plain.Detach()
	require.False(t, ok)
	d, ok := chunked.Detach()
	require.True(t, ok)
	d.Release()
	chunked.SetPayload([]byte("other"))
	require.Equal(t, []byte("other"), chunked.Payload())
}

// TestCopyPacket checks that a copy uses the given memory if that is large enough.
func TestCopyPacket(t *testing.T) {
	m := Message{Packet: message.Packet{Type: 9, Timestamp: 7, Body: []byte("body")}}
	for _, room := range []int{3, 4, 5} {
		memory := make([]byte, 0, room)
		p := message.Packet{Body: memory}
		m.CopyPacket(&p)
		require.Equal(t, m.Packet, p)
		p.Body[0] = 'B'
		require.Equal(t, "body", string(m.Body))
		require.Equal(t, room >= 4, memory[:1][0] == 'B')
	}
}

// TestCopyPacketGrows checks that slowly growing messages seldom need new memory.
func TestCopyPacketGrows(t *testing.T) {
	var p message.Packet
	grown := 0
	for size := 50_000; size <= 70_000; size += 100 {
		before := cap(p.Body)
		m := Message{Packet: message.Packet{Body: make([]byte, size)}}
		m.CopyPacket(&p)
		require.Len(t, p.Body, size)
		if cap(p.Body) > before {
			grown++
		}
	}
	require.LessOrEqual(t, grown, 2)
}
