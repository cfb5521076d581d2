package rtmp

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

func (p *peer) streamEOF() {
	p.Send(peertest.Event(message.EventStreamEOF, 1))
}

// sounds sends count messages from that time on, one in each millisecond.
func (p *peer) sounds(from, count int) {
	for i := range count {
		p.Media(message.TypeAudio, uint32(from+i), make([]byte, 100))
	}
}

// hear reads messages of sounds.
func hear(t *testing.T, s *Stream, from, count int) {
	t.Helper()
	var p Packet
	for i := range count {
		require.NoError(t, s.ReadPacket(&p), "message %d", from+i)
		require.EqualValues(t, from+i, p.Timestamp)
	}
}

// A consumer that is behind pauses and goes on: its own full queue ends the waits, and the server's StreamEOF, which it sends
// for the pause, is not the end. The one after the last message is.
func TestPauseByAConsumerThatIsBehind(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Expect("pause")
		p.sounds(0, 100)
		p.Status("NetStream.Pause.Notify")
		p.streamEOF()
		p.Expect("pause")
		p.sounds(100, 100)
		p.Status("NetStream.Unpause.Notify")
		p.sounds(200, 100)
		p.streamEOF()
		p.UntilGone()
	})
	_, s := playing(t, url, &Options{MaxQueue: 5000})
	ctx := conntest.Context(t)
	require.ErrorIs(t, s.Pause(ctx), ErrStreamBacklog)
	hear(t, s, 0, 100)
	require.ErrorIs(t, s.Unpause(ctx), ErrStreamBacklog)
	hear(t, s, 100, 200)
	require.ErrorIs(t, s.ReadPacket(new(Packet)), io.EOF)
}

// What the server does about a pause whose answer nobody awaits is still about that pause.
func TestPauseGivenUp(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Expect("pause")
		close(asked)
		<-answer
		p.streamEOF()
		p.Status("NetStream.Pause.Notify")
		p.Expect("pause")
		p.Status("NetStream.Unpause.Notify")
		p.sounds(0, 10)
		p.streamEOF()
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	ctx, cancel := context.WithCancel(conntest.Context(t))
	go func() { <-asked; cancel() }()
	require.ErrorIs(t, s.Pause(ctx), context.Canceled)
	close(answer)
	require.NoError(t, s.Unpause(conntest.Context(t)))
	hear(t, s, 0, 10)
	require.ErrorIs(t, s.ReadPacket(new(Packet)), io.EOF)
}

// A pause that the server refuses, or that it never heard of, is none.
func TestPauseThatDidNotHappen(t *testing.T) {
	for name, pause := range map[string]func(t *testing.T, s *Stream){
		"refused": func(t *testing.T, s *Stream) {
			var refused *StatusError
			require.ErrorAs(t, s.Pause(conntest.Context(t)), &refused)
		},
		"not sent": func(t *testing.T, s *Stream) {
			ctx, cancel := context.WithCancel(conntest.Context(t))
			cancel()
			require.ErrorIs(t, s.Pause(ctx), context.Canceled)
			_, err := s.conn.send(conntest.Context(t), CallOptions{}, "pause", nil) // on behalf of nothing
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				if cmd := p.Expect("pause"); cmd != nil {
					p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetStream.Failed", "no"))
				}
				p.sounds(0, 10)
				p.streamEOF()
				p.UntilGone()
			})
			_, s := playing(t, url, nil)
			pause(t, s)
			hear(t, s, 0, 10)
			assert.ErrorIs(t, s.ReadPacket(new(Packet)), io.EOF)
		})
	}
}
