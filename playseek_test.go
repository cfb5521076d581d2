package rtmp

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/peertest"
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

// TestCloseEndsPauseAndSeek checks that Close ends a Pause and a Seek that wait for the server, whichever of them reads the connection.
func TestCloseEndsPauseAndSeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := piped(t, Options{Timeout: time.Minute}, func(p *peer) { p.AcceptPlayer(); p.UntilGone() })
		_, err := c.Connect(ctx)
		require.NoError(t, err)
		s, err := c.CreateStream(ctx, nil)
		require.NoError(t, err)
		ended := make(chan error, 3)
		go func() { ended <- s.Pause(ctx) }()
		synctest.Wait() // Pause is reading the socket
		go func() { ended <- s.Seek(ctx, time.Hour) }()
		go func() { ended <- s.Unpause(ctx) }()
		synctest.Wait()
		assert.Zero(t, elapsed(func() {
			require.NoError(t, s.Close())
			for range cap(ended) {
				assert.Equal(t, errStreamClosed, <-ended)
			}
		}))
		assert.Equal(t, errStreamClosed, s.Seek(ctx, 0), "after Close")
	})
}

// seekable returns a stream of a server that has sent audio, which was read. script is what the server does then.
func seekable(t *testing.T, script func(p *peer)) *Stream {
	ctx, c := piped(t, Options{Timeout: time.Minute}, func(p *peer) {
		p.AcceptPlayer()
		p.Media(message.TypeAudio, 10, []byte("before"))
		script(p)
		p.UntilGone()
	})
	_, err := c.Connect(ctx)
	require.NoError(t, err)
	s, err := c.CreateStream(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, s.ReadPacket(new(Packet)))
	return s
}

// TestEndDuringARefusedPause checks that a StreamEOF that arrives before the refusal of Pause ends the stream, since it has confirmed
// nothing.
func TestEndDuringARefusedPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seekable(t, func(p *peer) {
			p.Expect("pause")
			p.Send(peertest.Event(message.EventStreamEOF, 1))
			p.Status("NetStream.Failed")
		})
		read := make(chan error, 1)
		go func() { read <- s.ReadPacket(new(Packet)) }()
		synctest.Wait()
		var refused *StatusError
		require.ErrorAs(t, s.Pause(t.Context()), &refused)
		assert.Zero(t, elapsed(func() { assert.Equal(t, io.EOF, <-read) }))
	})
}

// TestConcurrentSeeks checks that each of two Seeks gets its own answer, and that media of the old position is dropped until the last of them
// is answered.
func TestConcurrentSeeks(t *testing.T) {
	for _, test := range []struct{ first, second string }{
		{"NetStream.Seek.Notify", "NetStream.Seek.Notify"},
		{"NetStream.Seek.InvalidTime", "NetStream.Seek.Notify"},
		{"NetStream.Seek.Notify", "NetStream.Seek.InvalidTime"},
	} {
		synctest.Test(t, func(t *testing.T) {
			answer := make(chan struct{})
			s := seekable(t, func(p *peer) {
				p.Expect("seek")
				p.Expect("seek")
				<-answer
				p.Status(test.first)
				p.Media(message.TypeAudio, 20, []byte("first"))
				<-answer
				p.Status(test.second)
				p.Media(message.TypeAudio, 30, []byte("second"))
			})
			ended := [2]chan error{make(chan error, 1), make(chan error, 1)}
			for i := range ended {
				go func() { ended[i] <- s.Seek(t.Context(), time.Hour) }()
				synctest.Wait()
			}
			for i, code := range []string{test.first, test.second} {
				answer <- struct{}{}
				var refused *StatusError
				assert.Equal(t, code != message.CodeSeekNotify, errors.As(<-ended[i], &refused), "Seek %d", i)
			}
			var p Packet
			require.NoError(t, s.ReadPacket(&p))
			assert.Equal(t, "second", string(p.Body))
		})
	}
}

// TestMediaDuringTheFirstPause checks that the first media of a stream does not answer a Pause, so that a StreamEOF that confirms the pause
// does not end the stream.
func TestMediaDuringTheFirstPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := piped(t, Options{Timeout: time.Minute}, func(p *peer) {
			p.AcceptConnect()
			p.AcceptStream(1)
			p.Call(0, "_result", p.Expect("play").TransactionID, nil)
			p.Expect("pause")
			p.Media(message.TypeAudio, 10, []byte("first"))
			p.Send(peertest.Event(message.EventStreamEOF, 1))
			p.Status(message.CodePauseNotify)
			p.Media(message.TypeAudio, 20, []byte("second"))
			p.UntilGone()
		})
		_, err := c.Connect(ctx)
		require.NoError(t, err)
		s, err := c.CreateStream(ctx, nil)
		require.NoError(t, err)
		require.NoError(t, s.Pause(ctx))
		var p Packet
		for _, want := range []string{"first", "second"} {
			require.NoError(t, s.ReadPacket(&p))
			assert.Equal(t, want, string(p.Body))
		}
	})
}

// TestLateRefusalOfSeek checks that the stream continues if the server refuses a Seek that no longer waits for the answer.
func TestLateRefusalOfSeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seekable(t, func(p *peer) {
			p.Expect("seek")
			time.Sleep(2 * time.Second)
			p.Status(message.CodeSeekInvalidTime)
			p.Media(message.TypeAudio, 20, []byte("after"))
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Seek(ctx, time.Hour), context.DeadlineExceeded)
		var p Packet
		require.NoError(t, s.ReadPacket(&p))
		assert.Equal(t, "after", string(p.Body))
	})
}
