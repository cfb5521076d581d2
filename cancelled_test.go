package rtmp

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestTextOfCancelledCalls checks that the error of a method whose context is done names the operation, whether the method was about to write
// or was waiting for the answer.
func TestTextOfCancelledCalls(t *testing.T) {
	c, s := playing(t, newPeer(t, func(p *peer) { p.AcceptPlayer(); p.UntilGone() }), nil)
	k, err := c.Call(conntest.Context(t), "ask")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for text, f := range map[string]func() error{
		"ask":           func() error { _, err := k.Result(ctx); return err },
		"say":           func() error { _, err := c.Call(ctx, "say"); return err },
		"read packet":   func() error { return c.ReadPacket(ctx, new(Packet)) },
		"handle packet": func() error { return c.HandlePacket(ctx, new(Packet)) },
		"send packet":   func() error { return c.SendPacket(ctx, &Packet{Type: message.TypeUserControl, Body: make([]byte, 6)}) },
		"pause":         func() error { return s.Pause(ctx) },
		"seek":          func() error { return s.Seek(ctx, time.Second) },
		"update buffer": func() error { return s.UpdateBuffer(ctx, time.Second) },
		"play other: createStream": func() error {
			_, err := c.CreateStream(ctx, &StreamOptions{Name: "other"})
			return err
		},
		"shared object scores": func() error { _, err := c.SharedObject(ctx, "scores", false); return err },
		"wait for tick":        func() error { _, err := c.WaitInvoke(ctx, "tick"); return err },
		"process packets":      func() error { return c.ProcessPackets(ctx) },
	} {
		err := f()
		assert.EqualError(t, err, "rtmp: "+text+": context canceled")
		assert.ErrorIs(t, err, context.Canceled)
	}
	assert.True(t, c.Connected())
}
