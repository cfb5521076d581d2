package rtmp

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestOrderOfWhatIsSent checks that calls and packets do not overtake media that the same goroutine has written before.
func TestOrderOfWhatIsSent(t *testing.T) {
	const rounds = 60
	read := make(chan []message.Type, 1)
	url := accepting(t, func(p *peer) {
		var got []message.Type
		for len(got) < 4*rounds {
			packet, err := p.Next()
			if err != nil {
				break
			}
			switch packet.Type {
			case message.TypeAudio, message.TypeCommandAMF0, message.TypeUserControl:
				got = append(got, packet.Type)
			}
		}
		read <- got
		p.UntilGone()
	})
	c, s := publishing(t, url, &Options{Publish: true})
	var want []message.Type
	for n := range rounds {
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeAudio, Timestamp: uint32(n), Body: []byte{0xAF, 1, 1}}))
		_, err := c.CallWith(conntest.Context(t), CallOptions{NoReply: n%2 == 0}, "mark")
		require.NoError(t, err)
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeAudio, Timestamp: uint32(n), Body: []byte{0xAF, 1, 2}}))
		require.NoError(t, c.SendPacket(conntest.Context(t), &Packet{Type: message.TypeUserControl, Body: []byte{0, 31, 0, 0, 0, 0}}))
		want = append(want, message.TypeAudio, message.TypeCommandAMF0, message.TypeAudio, message.TypeUserControl)
	}
	assert.Equal(t, want, <-read)
}

// TestWritesOfConnecting checks that connecting and playing takes four writes: C0 with C1, C2 with connect, createStream with the replies
// to connect's result, and play.
func TestWritesOfConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := piped(t, Options{}, func(p *peer) {
			p.AcceptPlayer()
			p.discard()
		})
		var writes atomic.Int64
		dial := c.setup.opts.DialContext
		c.setup.opts.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := dial(ctx, network, addr)
			return conntest.WriteCounter{Conn: nc, Writes: &writes}, err
		}
		k, err := c.Connect(ctx)
		require.NoError(t, err)
		_, err = k.Result(ctx)
		require.NoError(t, err)
		assert.EqualValues(t, 2, writes.Load())
		_, err = c.CreateStream(ctx, nil)
		require.NoError(t, err)
		assert.EqualValues(t, 4, writes.Load())
	})
}
