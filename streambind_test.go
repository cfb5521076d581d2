package rtmp

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/message"
)

func TestBindEndsReads(t *testing.T) {
	for _, background := range []bool{false, true} {
		goOn := make(chan struct{})
		url := newPeer(t, func(p *peer) {
			p.AcceptPlayer()
			p.Media(message.TypeVideo, 0, []byte{0x17, 1})
			<-goOn
			p.Media(message.TypeVideo, 40, []byte{0x17, 2})
			p.UntilGone()
		})
		_, s := playing(t, url, &Options{BackgroundRead: background})
		var p Packet
		require.NoError(t, s.ReadPacket(&p))
		first, cancel := context.WithCancel(context.Background())
		release := s.Bind(first)
		releaseSecond := s.Bind(context.Background())
		failed := make(chan error, 1)
		go func() { failed <- s.ReadPacket(new(Packet)) }()
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		require.ErrorIs(t, s.ReadPacket(&p), context.Canceled, "until it is released")
		release()
		releaseSecond()
		close(goOn)
		require.NoError(t, s.ReadPacket(&p))
		require.Equal(t, byte(2), p.Body[1], "nothing was lost")

		late, cancelLate := context.WithCancel(context.Background())
		s.Bind(late)()
		cancelLate()
		require.NoError(t, s.SetReadDeadline(time.Now()))
		require.NotErrorIs(t, s.ReadPacket(&p), context.Canceled, "it was released before")
	}
}

func TestBindEndsWrites(t *testing.T) {
	inBubble(t, "before they begin", func(t *testing.T) {
		c, s := pipedPublisher(t, Options{}, func(p *peer) { p.AcceptStream(2); p.UntilGone() }) // Close sends createStream and waits for the answer
		ctx, cancel := context.WithCancel(context.Background())
		release := s.Bind(ctx)
		cancel()
		synctest.Wait()
		require.ErrorIs(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: []byte{0x17}}), context.Canceled)
		_, err := s.Write(large)
		require.ErrorIs(t, err, context.Canceled)
		release()
		_, err = s.Write(large)
		require.NoError(t, err)
		require.NoError(t, c.Close())
	})
	inBubble(t, "in the middle", func(t *testing.T) {
		c, s := pipedDeaf(t, Options{})
		ctx, cancel := context.WithCancel(context.Background())
		defer s.Bind(ctx)()
		failed := make(chan error, 1)
		go func() { failed <- blocked(s) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		require.ErrorIs(t, c.Err(), context.Canceled, "half a chunk is out")
	})
}
