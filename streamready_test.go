package rtmp

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestStreamReady checks that Ready tells a program that reads the connection itself when the stream has a message or has ended.
func TestStreamReady(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Media(message.TypeAudio, 7, []byte("sound"))
		p.Expect("end it")
		p.Status(message.CodePlayStop)
		p.UntilGone()
	})
	c, s := playing(t, url, nil)
	ctx := conntest.Context(t)
	handleOne := func() {
		var p Packet
		require.NoError(t, c.ReadPacket(ctx, &p))
		require.NoError(t, c.HandlePacket(ctx, &p))
	}
	assert.False(t, s.Ready())
	handleOne()
	assert.True(t, s.Ready(), "a message")
	var p Packet
	require.NoError(t, s.ReadPacket(&p))
	assert.Equal(t, "sound", string(p.Body))
	assert.False(t, s.Ready())

	ended, end := context.WithCancel(ctx)
	end()
	release := s.Bind(ended)
	require.ErrorIs(t, s.ReadPacket(&p), context.Canceled)
	assert.True(t, s.Ready(), "the end of its context")
	release()
	assert.False(t, s.Ready())

	_, err := c.Call(ctx, "end it")
	require.NoError(t, err)
	handleOne()
	assert.True(t, s.Ready(), "the end")
	require.ErrorIs(t, s.ReadPacket(&p), io.EOF)
	require.NoError(t, s.Close())
	assert.True(t, s.Ready(), "closed")
	require.ErrorIs(t, s.ReadPacket(&p), net.ErrClosed)
}
