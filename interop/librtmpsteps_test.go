package interop

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/message"
)

// fewTags returns the beginning of the sample as a file.
func fewTags(t *testing.T) string {
	file := rtmptest.File(rtmptest.SampleTags(t)[:12]...)
	path := filepath.Join(t.TempDir(), "few.flv")
	require.NoError(t, os.WriteFile(path, file, 0o644))
	return path
}

// player is a Conn whose errors fail the test.
type player struct {
	*rtmp.Conn
	t   *testing.T
	ctx context.Context
}

func newPlayer(t *testing.T, url string, o *rtmp.Options) *player {
	if o == nil {
		o = &rtmp.Options{}
	}
	o.NoEnhanced = true // librtmp does not support Enhanced RTMP
	c, err := rtmp.New(url, o)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return &player{c, t, conntest.Context(t)}
}

func (p *player) connect() {
	k, err := p.Connect(p.ctx)
	require.NoError(p.t, err)
	_, err = k.Result(p.ctx)
	require.NoError(p.t, err)
}

func (p *player) send(o rtmp.CallOptions, method string, args ...any) *rtmp.Call {
	k, err := p.CallWith(p.ctx, o, method, args...)
	require.NoError(p.t, err, method)
	return k
}

func (p *player) result(o rtmp.CallOptions, method string, args ...any) any {
	v, err := p.send(o, method, args...).Result(p.ctx)
	require.NoError(p.t, err, method)
	return v
}

func (p *player) packet(packet rtmp.Packet, values ...any) {
	var err error
	packet.Body, err = amf.AppendAMF0(nil, values...)
	require.NoError(p.t, err)
	require.NoError(p.t, p.SendPacket(p.ctx, &packet))
}

func (p *player) handleUntil(wanted func(*rtmp.Packet) bool) {
	for packet := (rtmp.Packet{}); ; {
		require.NoError(p.t, p.ReadPacket(p.ctx, &packet))
		require.NoError(p.t, p.HandlePacket(p.ctx, &packet))
		if wanted(&packet) {
			return
		}
	}
}

func recorded(t *testing.T, url string, server *recording) {
	// options
	c := newPlayer(t, "rtmp://127.0.0.1:1/first/one", &rtmp.Options{SWFURL: "http://example.com/player.swf",
		ConnectData: []any{true, "text", 15, nil, amf.Object{{Name: "a", Value: "b"}, {Name: "n", Value: 1}, {Name: "t", Value: false}}},
		Subscribe:   "channel", UsherToken: "ticket", Start: time.Second, Stop: 9 * time.Second})
	require.NoError(t, c.SetupURL(url+` pageUrl=http://example.com/a\20page buffer=4000 conn=S:last\20one`))
	require.NoError(t, c.SetOption("flashver", "LNX 11,2,202,235"))
	require.NoError(t, c.SetOption("conn", "N:1.5"))
	for _, item := range []string{"O:1", "NS:s:in", "NO:deep:1", "NN:n:2", "O:0", "NB:b:1", "O:0"} {
		require.NoError(t, c.SetOption("conn", item))
	}
	require.NoError(t, c.SetOption("playlist", "yes"))
	require.NoError(t, c.SetOption("timeout", "20"))

	// methods that the server calls
	c.InvokeHandler("MyMath.MyAdd", rtmp.Func(func(x, y float64) float64 { return x + y }))
	c.InvokeHandler("describe", func(_ context.Context, args []any) (any, error) {
		return amf.Object{{Name: "count", Value: len(args)}, {Name: "all", Value: args},
			{Name: "by name", Value: amf.ECMAArray{{Name: "yes", Value: true}}}}, nil
	})
	c.InvokeHandler("silent", func(context.Context, []any) (any, error) { return nil, nil })
	c.InvokeHandler("welcome", rtmp.Func(func(ctx context.Context, name string) error {
		_, err := c.Call(ctx, "welcomed", name)
		return err
	}))

	// calls
	plain := rtmp.CallOptions{}
	require.False(t, c.Connected())
	c.connect()
	require.True(t, c.Connected())
	require.Equal(t, 1.5, c.result(plain, "echo", 1.5))
	server.await(t, "welcomed") // handlers run concurrently
	require.Equal(t, "zażółć €", c.result(plain, "echo", "zażółć €"))
	c.send(plain, "unanswered")
	c.result(plain, "many", true, false, nil, "", "a", -3, 1e300, math.Inf(1), int64(1)<<53)
	c.result(plain, "nested", amf.Object{{Name: "b", Value: 1}, {Name: "a", Value: []any{1, "b", amf.ECMAArray{{Name: "k"}}}}},
		amf.ECMAArray{{Name: "z", Value: 1}, {Name: "a", Value: amf.Object{}}}, []any{})
	c.result(rtmp.CallOptions{Object: map[string]any{"o": 1.0}}, "object", map[string]any{"k": "v"})
	c.result(rtmp.CallOptions{TransactionID: 77}, "numbered")
	c.result(plain, "long", strings.Repeat("x", 300))
	c.result(plain, "longer", strings.Repeat("x", 70000))
	c.result(rtmp.CallOptions{ChunkStreamID: 8}, "elsewhere", 1)
	got, err := c.RemoteMethod("echo")(c.ctx, "remote")
	require.NoError(t, err)
	require.Equal(t, "remote", got)
	require.Equal(t, "not blocking", c.result(plain, "echo", "not blocking"))
	refused := c.send(plain, "refuse me")
	c.result(plain, "echo", "after it")
	c.result(plain, "saw", "refused", refused.Reply() != nil)
	for _, kind := range []string{"number", "boolean", "string", "null", "object", "undefined", "date", "array", "map"} {
		c.result(plain, "saw", kind, c.result(plain, "give", kind))
	}

	// make the server call the methods
	c.send(plain, "call me back")
	args, err := c.WaitInvoke(c.ctx, "tell")
	require.NoError(t, err)
	require.Equal(t, []any{"a", 5.0}, args)
	c.send(plain, "call me in vain")
	args, err = c.WaitInvoke(c.ctx, "tell")
	require.NoError(t, err)
	require.Equal(t, []any{"b", 6.0}, args)
	server.await(t, "_error 104")

	// packets
	c.packet(rtmp.Packet{Type: message.TypeDataAMF0, ChunkStreamID: 4, Timestamp: 100}, "onSomething", 7)
	c.packet(rtmp.Packet{Type: message.TypeDataAMF0, Format: chunk.Format1, ChunkStreamID: 4, Timestamp: 140}, "onDelta")
	c.packet(rtmp.Packet{Type: message.TypeDataAMF0, Format: chunk.Format1, ChunkStreamID: 4, Timestamp: 1 << 24, Absolute: true},
		"onExtended")
	c.packet(rtmp.Packet{Type: message.TypeCommandAMF0, Format: chunk.Format1, ChunkStreamID: 3}, "byHand", 0, nil, "x")
	c.packet(rtmp.Packet{Type: message.TypeDataAMF0, Format: chunk.Format1, ChunkStreamID: 70}, "elsewhere", []any{true})
	c.send(plain, "ping me")
	c.handleUntil(func(p *rtmp.Packet) bool { return p.Type == message.TypeUserControl })
	c.send(plain, "measure")
	c.handleUntil(func(p *rtmp.Packet) bool {
		cmd, err := message.ParseCommand(p.Type, p.Body)
		return p.Type == message.TypeCommandAMF0 && err == nil && cmd.Name == "_onbwdone"
	})

	// a stream
	s, err := c.CreateStream(c.ctx, &rtmp.StreamOptions{NoBufferUpdate: true})
	require.NoError(t, err)
	n, err := s.Read(make([]byte, 1024))
	require.NoError(t, err)
	require.Positive(t, n)
	require.NoError(t, s.Seek(c.ctx, 3*time.Second))
	c.handleUntil(func(p *rtmp.Packet) bool { return p.Type == message.TypeVideo })
	require.NoError(t, s.Pause(c.ctx))
	require.NoError(t, s.Unpause(c.ctx))
	require.NoError(t, s.UpdateBuffer(c.ctx, 9*time.Second))
	c.result(plain, "last")
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())
	require.False(t, c.Connected())
}

func live(t *testing.T, url string, _ *recording) {
	c := newPlayer(t, url, &rtmp.Options{Live: true})
	_, err := c.Connect(c.ctx)
	require.NoError(t, err)
	s, err := c.CreateStream(c.ctx, nil)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())
}

func packet(t *testing.T, url string, _ *recording) {
	c := newPlayer(t, url, nil)
	p := rtmp.Packet{Type: message.TypeCommandAMF0, ChunkStreamID: 3}
	var err error
	p.Body, err = amf.AppendAMF0(nil, "connect", 1,
		amf.Object{{Name: "app", Value: "mine"}, {Name: "extra", Value: amf.ECMAArray{{Name: "deep", Value: []any{1}}}}}, "more")
	require.NoError(t, err)
	k, err := c.ConnectPacket(c.ctx, &p)
	require.NoError(t, err)
	_, err = k.Result(c.ctx)
	require.NoError(t, err)
	c.result(rtmp.CallOptions{}, "echo", 1)
	require.NoError(t, c.Close())
}

func publishing(t *testing.T, url string, _ *recording) {
	c := newPlayer(t, url, &rtmp.Options{App: "renamed"})
	c.connect()
	s, err := c.CreateStream(c.ctx, &rtmp.StreamOptions{Writable: true})
	require.NoError(t, err)
	file, err := os.ReadFile(fewTags(t))
	require.NoError(t, err)
	_, err = s.Write(file)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())
}
