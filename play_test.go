package rtmp

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestPlayArguments(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		stream  StreamOptions
		want    []any
	}{
		"recorded":             {Options{}, StreamOptions{}, []any{"play", 0.0}},
		"live":                 {Options{Live: true}, StreamOptions{}, []any{"play", -1000.0}},
		"a part":               {Options{Start: 2 * time.Second, Stop: 5500 * time.Millisecond}, StreamOptions{}, []any{"play", 2000.0, 3500.0}},
		"the stream's own":     {Options{Start: 2 * time.Second}, StreamOptions{Name: "other", Seek: time.Second}, []any{"other", 1000.0}},
		"a part of live media": {Options{Live: true, Start: 10 * time.Millisecond, Stop: 20 * time.Millisecond}, StreamOptions{}, []any{"play", -1000.0, 10.0}},
	} {
		t.Run(name, func(t *testing.T) {
			got := make(chan *message.Command, 1)
			c := dialed(t, newPeer(t, func(p *peer) { got <- p.AcceptPlayer(); p.UntilGone() }), &test.options)
			_, err := c.CreateStream(conntest.Context(t), &test.stream)
			require.NoError(t, err)
			assert.Equal(t, test.want, (<-got).Args)
		})
	}
	c := dialed(t, newPeer(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() }), &Options{Start: 2 * time.Second, Stop: time.Second})
	_, err := c.CreateStream(conntest.Context(t), nil)
	var option *OptionError
	require.ErrorAs(t, err, &option)
}

func TestPlaySample(t *testing.T) {
	for _, size := range []int{1, 128, 4096, 65536} {
		s := rtmptest.Server(t, testserver.Config{ChunkSize: size})
		file, err := download(conntest.Context(t), s.URL("vod", "sample"), nil, nil)
		require.NoError(t, err)
		assert.Equal(t, testserver.Sample, file, "chunk size %d", size)
	}
}

func TestPlayFromAndTo(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	file, err := download(conntest.Context(t), s.URL("vod", "sample"), &Options{Start: 5 * time.Second, Stop: 7 * time.Second}, nil)
	require.NoError(t, err)
	tags := rtmptest.Tags(t, file)
	require.NotEmpty(t, tags)
	assert.Equal(t, flv.TagScript, tags[0].Type)
	first, last := tags[1], tags[len(tags)-1]
	assert.EqualValues(t, 4000, first.Timestamp, "the key frame at or before the start")
	assert.Less(t, last.Timestamp, uint32(7000))
	assert.Greater(t, last.Timestamp, uint32(6900))
}

// TestPlayWithoutName checks that the error of a play without a name says so. librtmp sends play in this case, too.
func TestPlayWithoutName(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.AcceptStream(1)
		p.Expect("play")
		p.Status("NetStream.Play.StreamNotFound")
		p.UntilGone()
	})
	c, err := Dial(conntest.Context(t), url[:strings.LastIndexByte(url, '/')], nil)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.CreateStream(conntest.Context(t), nil)
	var status *StatusError
	require.ErrorAs(t, err, &status)
	assert.ErrorContains(t, err, "neither the URL nor the options name a stream")
}

// TestPlayFromAfterTheEnd checks that CreateStream fails if a server refuses to begin with a status about seeking.
func TestPlayFromAfterTheEnd(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.AcceptStream(1)
		p.Expect("play")
		p.Status(message.CodeSeekInvalidTime)
		p.UntilGone()
	})
	c, err := Dial(conntest.Context(t), url, &Options{Start: time.Hour, Timeout: 5 * time.Second})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.CreateStream(conntest.Context(t), nil)
	var status *StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, message.CodeSeekInvalidTime, status.Code)
}

func TestStreamNotFound(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{Apps: []string{"vod"}})
	_, err := download(conntest.Context(t), s.URL("vod", "nothing"), nil, nil)
	var status *StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, "NetStream.Play.StreamNotFound", status.Code)
	_, err = download(conntest.Context(t), s.URL("elsewhere", "sample"), nil, nil)
	require.ErrorAs(t, err, &status)
	assert.Equal(t, "NetConnection.Connect.InvalidApp", status.Code)
}

func TestSeekAndPause(t *testing.T) {
	asked := make(chan *message.Command, 8)
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Media(message.TypeAudio, 10, []byte("before"))
		asked <- p.Expect("pause")
		p.Send(peertest.Event(message.EventStreamEOF, 1))
		p.Status("NetStream.Pause.Notify")
		asked <- p.Expect("pause")
		p.Status("NetStream.Unpause.Notify")
		asked <- p.Expect("seek")
		p.Media(message.TypeAudio, 20, []byte("of the old position"))
		p.Status("NetStream.Seek.Notify")
		p.Media(message.TypeAudio, 5000, []byte("after"))
		asked <- p.Expect("seek")
		p.Status("NetStream.Seek.InvalidTime")
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	ctx := conntest.Context(t)
	var p Packet
	require.NoError(t, s.ReadPacket(&p))
	assert.Equal(t, "before", string(p.Body))
	require.NoError(t, s.Pause(ctx))
	require.NoError(t, s.Unpause(ctx))
	require.NoError(t, s.Seek(ctx, 5*time.Second))
	require.NoError(t, s.ReadPacket(&p))
	assert.Equal(t, "after", string(p.Body), "what was under way before the seek is dropped")
	err := s.Seek(ctx, time.Hour)
	var status *StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, "NetStream.Seek.InvalidTime", status.Code)
	require.ErrorIs(t, s.ReadPacket(&p), io.EOF)
	for _, want := range [][]any{{true, 10.0}, {false, 10.0}, {5000.0}, {3_600_000.0}} {
		assert.Equal(t, want, (<-asked).Args)
	}
}

// TestSeekAtEnd checks that an end of the stream during a Seek belongs to the old position, unless the Seek is refused.
func TestSeekAtEnd(t *testing.T) {
	for answer, want := range map[string]string{"NetStream.Seek.InvalidTime": "", "NetStream.Seek.Notify": "after"} {
		t.Run(answer, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				p.Media(message.TypeAudio, 10, []byte("before"))
				p.streamEOF()
				p.Expect("seek")
				p.Status("NetStream.Play.Stop")
				p.Status(answer)
				if want != "" {
					p.Media(message.TypeAudio, 5000, []byte(want))
					p.streamEOF()
				}
				p.UntilGone()
			})
			_, s := playing(t, url, nil)
			var p Packet
			require.NoError(t, s.ReadPacket(&p))
			require.ErrorIs(t, s.ReadPacket(&p), io.EOF)
			err := s.Seek(conntest.Context(t), 5*time.Second)
			assert.Equal(t, want == "", err != nil)
			if want != "" {
				require.NoError(t, s.ReadPacket(&p))
				assert.Equal(t, want, string(p.Body))
			}
			require.NoError(t, s.SetReadDeadline(time.Now().Add(patience)))
			require.ErrorIs(t, s.ReadPacket(&p), io.EOF)
		})
	}
}

func TestSeekInSample(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	_, stream := playing(t, s.URL("vod", "sample"), nil)
	ctx := conntest.Context(t)
	var p Packet
	require.NoError(t, stream.ReadPacket(&p))
	require.NoError(t, stream.Seek(ctx, 8*time.Second))
	for p.Type != message.TypeVideo || len(p.Body) < 100 {
		require.NoError(t, stream.ReadPacket(&p))
		require.GreaterOrEqual(t, p.Timestamp, uint32(8000))
	}
	assert.EqualValues(t, 8000, p.Timestamp)
	err := error(nil)
	for err == nil {
		err = stream.ReadPacket(&p)
	}
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, stream.Seek(ctx, 0), "a stream that has ended can be played again")
	require.NoError(t, stream.ReadPacket(&p))
	assert.Less(t, p.Timestamp, uint32(100))
	var status *StatusError
	require.ErrorAs(t, stream.Seek(ctx, time.Hour), &status)
	assert.Equal(t, "NetStream.Seek.InvalidTime", status.Code)
}

func (p *peer) streamEOF() {
	p.Send(peertest.Event(message.EventStreamEOF, 1))
}

// sendAudio sends count audio messages, with timestamps a millisecond apart.
func (p *peer) sendAudio(from, count int) {
	for i := range count {
		p.Media(message.TypeAudio, uint32(from+i), make([]byte, 100))
	}
}

// expectAudio reads and checks count audio messages from sendAudio.
func expectAudio(t *testing.T, s *Stream, from, count int) {
	t.Helper()
	var p Packet
	for i := range count {
		require.NoError(t, s.ReadPacket(&p), "message %d", from+i)
		require.EqualValues(t, from+i, p.Timestamp)
	}
}

// TestPauseByASlowConsumer checks pausing with a full queue, in which the waits for answers end early. The StreamEOF that the server sends
// for the pause does not end the stream; the StreamEOF after the last message does.
func TestPauseByASlowConsumer(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Expect("pause")
		p.sendAudio(0, 100)
		p.Status("NetStream.Pause.Notify")
		p.streamEOF()
		p.Expect("pause")
		p.sendAudio(100, 100)
		p.Status("NetStream.Unpause.Notify")
		p.sendAudio(200, 100)
		p.streamEOF()
		p.UntilGone()
	})
	_, s := playing(t, url, &Options{MaxQueue: 5000})
	ctx := conntest.Context(t)
	require.ErrorIs(t, s.Pause(ctx), ErrStreamBacklog)
	expectAudio(t, s, 0, 100)
	require.ErrorIs(t, s.Unpause(ctx), ErrStreamBacklog)
	expectAudio(t, s, 100, 200)
	require.ErrorIs(t, s.ReadPacket(new(Packet)), io.EOF)
}

// TestPauseGivenUp checks that the answer to a pause takes effect even after Pause has returned early.
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
		p.sendAudio(0, 10)
		p.streamEOF()
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	ctx, cancel := context.WithCancel(conntest.Context(t))
	go func() { <-asked; cancel() }()
	require.ErrorIs(t, s.Pause(ctx), context.Canceled)
	close(answer)
	require.NoError(t, s.Unpause(conntest.Context(t)))
	expectAudio(t, s, 0, 10)
	require.ErrorIs(t, s.ReadPacket(new(Packet)), io.EOF)
}

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
			_, err := s.conn.send(conntest.Context(t), CallOptions{}, "pause", nil) // a pause that belongs to no call of Pause
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				if cmd := p.Expect("pause"); cmd != nil {
					p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetStream.Failed", "no"))
				}
				p.sendAudio(0, 10)
				p.streamEOF()
				p.UntilGone()
			})
			_, s := playing(t, url, nil)
			pause(t, s)
			expectAudio(t, s, 0, 10)
			assert.ErrorIs(t, s.ReadPacket(new(Packet)), io.EOF)
		})
	}
}
