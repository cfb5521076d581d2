package session

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestTryReplyIsBounded checks the limits for the number of waiting replies and for the bytes of their bodies.
func TestTryReplyIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		sizes []int
		last  bool // whether there is room for the last reply
	}{
		"one alone may be long": {[]int{2 << 20}, true},
		"nothing beside it":     {[]int{2 << 20, 1}, false},
		"they just fit":         {[]int{maxReplyBytes / 2, maxReplyBytes / 2}, true},
		"one byte too many":     {[]int{maxReplyBytes / 2, maxReplyBytes/2 + 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, server := pair(t, Config{})
			for i, size := range test.sizes {
				require.Equal(t, i < len(test.sizes)-1 || test.last, server.session.TryReply(Control(99, make([]byte, size))))
			}
		})
	}
	_, server := pair(t, Config{})
	n := 0
	for server.session.TryReply(ping) {
		n++
	}
	require.Equal(t, MaxReplies, n)
}

// TestRepliesLeaveAtOnce checks that FlushReplies and TryWritev send a reply before they return, without starting a goroutine, if the
// socket has room.
func TestRepliesLeaveAtOnce(t *testing.T) {
	a, b := conntest.Pair(t)
	_, server := pairOn(t, a, b, Config{})
	s := server.session
	s.Reply(ping)
	s.FlushReplies()
	require.False(t, s.replies.flushing)
	s.Reply(ping)
	ok, ready := s.TryWritev(pushed(7, []byte{1}))
	require.True(t, ok && ready)
	in := chunk.NewReader(a, 0)
	var m chunk.Message
	for _, want := range []message.Type{message.TypeUserControl, message.TypeUserControl, message.TypeVideo} {
		require.NoError(t, in.Next(&m))
		require.Equal(t, want, message.Type(m.Type))
	}
}

// roomyConn is a connection with room for a short write.
type roomyConn struct{ net.Conn }

func (*roomyConn) HasRoom() bool { return true }

// TestShortRepliesLeaveAtOnce checks that FlushReplies sends short replies without starting a goroutine, if a connection that is not a plain
// socket has room. Long replies may wait for the peer, so FlushReplies leaves them to a flusher.
func TestShortRepliesLeaveAtOnce(t *testing.T) {
	a, b := conntest.Pair(t)
	_, server := pairOn(t, a, &roomyConn{b}, Config{})
	s := server.session
	s.Reply(ping)
	s.FlushReplies()
	require.False(t, s.replies.urgent.Load(), "it was sent")
	require.False(t, s.replies.flushing)
	var m chunk.Message
	require.NoError(t, chunk.NewReader(a, 0).Next(&m))
	require.Equal(t, message.TypeUserControl, message.Type(m.Type))

	pipe, other := net.Pipe() // a write waits for the reader
	client, server := pairOn(t, pipe, &roomyConn{other}, Config{})
	server.session.Reply(Control(99, make([]byte, shortReplies)))
	server.session.FlushReplies()
	var p message.Packet
	require.NoError(t, client.session.ReadPacket(conntest.Context(t), 0, &p))
	require.Len(t, p.Body, shortReplies)
}

// TestRepliesAreFlushed checks that a flusher sends the replies for which the socket has no room, as often as necessary. It also checks
// connections that don't support writing without blocking.
func TestRepliesAreFlushed(t *testing.T) {
	client, server := pair(t, Config{})
	var p message.Packet
	for range 3 {
		server.session.Reply(ping)
		server.session.FlushReplies()
		require.NoError(t, client.session.ReadPacket(conntest.Context(t), 0, &p))
		require.Equal(t, message.TypeUserControl, p.Type)
	}
}
