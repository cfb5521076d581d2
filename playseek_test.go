package rtmp

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/message"
)

// TestRefusedSeekBesideRead checks that a read in progress returns io.EOF if the stream ends while the server is about to refuse a Seek. Until
// the refusal, the end may belong to the old position.
func TestRefusedSeekBesideRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := piped(t, Options{Timeout: time.Minute}, func(p *peer) {
			p.AcceptPlayer()
			p.Media(message.TypeAudio, 10, []byte("before"))
			p.Expect("seek")
			p.Status("NetStream.Play.Stop")
			p.Status("NetStream.Seek.InvalidTime")
			p.UntilGone()
		})
		_, err := c.Connect(ctx)
		require.NoError(t, err)
		s, err := c.CreateStream(ctx, nil)
		require.NoError(t, err)
		var p Packet
		require.NoError(t, s.ReadPacket(&p))
		read := make(chan error, 1)
		go func() {
			var p Packet
			read <- s.ReadPacket(&p)
		}()
		synctest.Wait() // ReadPacket is reading the socket
		var refused *StatusError
		require.True(t, errors.As(s.Seek(ctx, time.Hour), &refused))
		assert.Zero(t, elapsed(func() { assert.Equal(t, io.EOF, <-read) }))
	})
}
