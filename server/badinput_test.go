package server_test

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

const connectFailed = "NetConnection.Connect.Failed"

func TestCommandBeforeConnect(t *testing.T) {
	p := newPeer(t, app(t, &server.App{}))
	p.command(0, "createStream", 2, nil)
	assert.Equal(t, connectFailed, p.failed())
	p.UntilGone()
}

func TestSecondConnect(t *testing.T) {
	p := newPeer(t, app(t, &server.App{}))
	p.connect("x")
	p.command(0, "connect", 2, amf.Object{{Name: "app", Value: "x"}})
	assert.Equal(t, connectFailed, p.failed())
	p.UntilGone()
}

func TestTooManyStreams(t *testing.T) {
	p := newPeer(t, start(t, &server.Server{MaxStreams: 2}))
	p.connect("x")
	p.CreateStream()
	second := p.CreateStream()
	p.command(0, "createStream", 9, nil)
	assert.Equal(t, message.CodeFailed, p.failed())
	p.command(0, "deleteStream", 0, nil, float64(second))
	assert.Greater(t, p.CreateStream(), second)
}

func TestStreamThatIsNotThere(t *testing.T) {
	for _, name := range []string{"play", "publish"} {
		p := newPeer(t, app(t, &server.App{}))
		p.connect("x")
		p.command(7, name, 3, nil, "x", "live")
		assert.Equal(t, message.CodeFailed, p.status())
		p.alive()
	}
}

func TestStreamInUse(t *testing.T) {
	for _, first := range []string{"play", "publish"} {
		for _, second := range []string{"play", "publish"} {
			t.Run(first+", "+second, func(t *testing.T) {
				p := newPeer(t, app(t, &server.App{}))
				p.connect("x")
				id := p.CreateStream()
				p.command(id, first, 3, nil, "a", -1000.0)
				p.command(id, second, 4, nil, "b", -1000.0)
				p.UntilCode(message.CodeFailed)
				p.alive()
				p.command(0, "closeStream", 0, nil)
				p.command(id, "closeStream", 0, nil)
				p.command(id, second, 5, nil, "b", -1000.0) // the stream is free again
				p.UntilCode(map[string]string{"play": message.CodePlayStart, "publish": message.CodePublishStart}[second])
			})
		}
	}
}

func TestUnknownKindOfPublishIsLive(t *testing.T) {
	kinds := make(chan string, 1)
	p := newPeer(t, app(t, &server.App{Publish: func(ctx context.Context, r *server.Request) error {
		kinds <- r.Kind
		return nil
	}}))
	p.connect("x")
	p.command(p.CreateStream(), "publish", 3, nil, "x", "backwards")
	p.UntilCode(message.CodePublishStart)
	assert.Equal(t, "live", <-kinds)
}

func TestOddPlayArguments(t *testing.T) {
	for name, start := range map[string]any{"NaN": math.NaN(), "Inf": math.Inf(1), "-Inf": math.Inf(-1), "less than -2 s": -5000.0, "a string": "soon", "missing": nil} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan *server.Request, 1)
			p := newPeer(t, app(t, &server.App{Play: func(ctx context.Context, r *server.Request) error {
				asked <- r
				return nil
			}}))
			p.connect("x")
			p.command(p.CreateStream(), "play", 3, nil, "x", start)
			p.UntilCode(message.CodePlayStart)
			r := <-asked
			assert.Equal(t, server.StartAny, r.Start)
			assert.Negative(t, r.Length)
		})
	}
}

func TestPlayOfNoLength(t *testing.T) {
	p := newPeer(t, app(t, &server.App{}))
	p.connect("x")
	id := p.CreateStream()
	p.command(id, "play", 3, nil, "x", -2000.0, 0.0, false)
	assert.Equal(t, message.CodePlayStart, p.status())
	assert.Equal(t, message.CodePlayStop, p.status())
	p.alive()
}

func TestSeekAndPauseOfALiveStream(t *testing.T) {
	addr := app(t, &server.App{})
	_, out := publish(t, "rtmp://"+addr+"/live/x")
	p := newPeer(t, addr)
	p.connect("live")
	id := p.CreateStream()
	p.command(id, "play", 3, nil, "x", -1000.0)
	p.UntilCode(message.CodePlayStart)
	p.command(id, "seek", 0, nil, 1000.0)
	assert.Equal(t, "NetStream.Seek.Failed", p.status())
	p.command(id, "pause", 0, nil, true, 0.0)
	p.UntilCode(message.CodePauseNotify)
	all := sample(t)
	write(t, out, all[:20])
	p.command(0, "noSuchMethod", 77, nil)
	for { // no media may arrive before the end of the pause
		m, err := p.Read()
		require.NoError(t, err)
		require.False(t, m.Type.Media(), "%v", m.Type)
		if m.Type == message.TypeCommandAMF0 {
			break
		}
	}
	p.command(id, "pause", 0, nil, false, 0.0)
	p.UntilCode(message.CodeUnpauseNotify)
	write(t, out, all[20:])
	for {
		m, err := p.Read()
		require.NoError(t, err)
		if m.Type == message.TypeVideo {
			break
		}
	}
}

func TestOthersStreamsAreLeftAlone(t *testing.T) {
	addr := app(t, &server.App{})
	_, viewer := play(t, "rtmp://"+addr+"/live/x")
	_, out := publish(t, "rtmp://"+addr+"/live/x")
	p := newPeer(t, addr)
	p.connect("live")
	p.command(0, "FCUnpublish", 0, nil, "x")
	p.command(0, "deleteStream", 0, nil, 1.0)
	p.command(1, "closeStream", 0, nil)
	p.command(0, "deleteStream", 0, nil, math.NaN())
	p.alive()
	all := media(sample(t))[:10]
	write(t, out, all)
	assert.Equal(t, all, receive(t, viewer, len(all)))
}

func TestUnreadableCommand(t *testing.T) {
	p := newPeer(t, app(t, &server.App{}))
	p.connect("x")
	for _, body := range []string{"", "\x02", "\x02\x00\x05abc", "\x00garbage", "\x02\x00\x04play\x00", strings.Repeat("\x0a\xff\xff\xff\xff", 20)} {
		p.Send(chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, Body: []byte(body)})
	}
	p.alive()
}

func TestUnreadableConnect(t *testing.T) {
	p := newPeer(t, app(t, &server.App{}))
	body := append(amf.AppendString(nil, "connect"), 0xff, 0xff)
	p.Send(chunk.Outgoing{Type: uint8(message.TypeCommandAMF0), ChunkStreamID: 3, Body: body})
	p.UntilGone()
}

// logs collects the records that a logger writes.
type logs struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestMessageBeyondTheLimit(t *testing.T) {
	var l logs
	addr := start(t, &server.Server{MaxMessageSize: 1 << 20, Logger: l.logger()})
	p := newPeer(t, addr)
	p.Conn.Write([]byte{3, 0, 0, 0, 1, 0, 1, 20, 0, 0, 0, 0}) // 64 KiB and a byte, before connect
	p.UntilGone()
	p = newPeer(t, addr)
	p.connect("x")
	p.Conn.Write([]byte{4, 0, 0, 0, 0x10, 0, 1, 20, 0, 0, 0, 0})
	p.UntilGone()
	eventually(t, "two lines in the log", func() bool { return strings.Count(l.String(), "message length exceeds the limit") >= 2 })
}

func TestNamesThatCanNotBe(t *testing.T) {
	for _, name := range []string{"", "..", "a/../b", "../x", "a//b", "a\x00b", "a\nb", "?key=1", strings.Repeat("x", 5000)} {
		p := newPeer(t, app(t, &server.App{}))
		p.connect("live")
		id := p.CreateStream()
		p.command(id, "publish", 3, nil, name, "live")
		assert.Equal(t, message.CodePublishBadName, p.status(), "%q", name)
		p.command(id, "play", 4, nil, name)
		assert.Equal(t, message.CodePlayStreamNotFound, p.status(), "%q", name)
		p.alive()
	}
}
