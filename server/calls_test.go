package server_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestEchoServerThatCallsTheClient implements rtmplite's MyApp. The server calls the client as soon as it has connected, and answers the
// client's calls.
func TestEchoServerThatCallsTheClient(t *testing.T) {
	addr := start(t, &server.Server{Apps: map[string]*server.App{"myapp": {
		Connected: func(c *server.Conn) { c.Notify("connected", "some-arg") },
		Methods: map[string]server.Method{"echo": func(ctx context.Context, c *server.Conn, args []any) (any, error) {
			return args, nil
		}},
	}}})
	connected := make(chan []any, 1)
	c := dial(t, "rtmp://"+addr+"/myapp", &rtmp.Options{BackgroundRead: true, Handlers: map[string]rtmp.HandlerFunc{
		"connected": func(ctx context.Context, args []any) (any, error) {
			connected <- args
			return nil, nil
		}}})
	assert.Equal(t, []any{"some-arg"}, waitFor(t, "connected", connected))
	k, err := c.Call(background(t), "echo", 1, "two", []any{true})
	require.NoError(t, err)
	v, err := k.Result(background(t))
	require.NoError(t, err)
	assert.Equal(t, []any{1.0, "two", []any{true}}, v)
}

func TestCallsFromHooks(t *testing.T) {
	answer := make(chan string, 1)
	addr := app(t, &server.App{Connected: func(c *server.Conn) {
		k, err := c.Call(c.Context(), "name", "please")
		if err != nil {
			return
		}
		var name string
		if k.Decode(c.Context(), &name) == nil {
			answer <- name
		}
	}})
	dial(t, "rtmp://"+addr+"/x", &rtmp.Options{BackgroundRead: true, Handlers: map[string]rtmp.HandlerFunc{
		"name": func(ctx context.Context, args []any) (any, error) { return "alice", nil }}})
	assert.Equal(t, "alice", waitFor(t, "the name", answer))
}

// TestCallFails checks that a failed method of the client is an error of the Call, not of the connection.
func TestCallFails(t *testing.T) {
	failed := make(chan error, 1)
	addr := app(t, &server.App{Connected: func(c *server.Conn) {
		k, err := c.Call(c.Context(), "nobody")
		if err == nil {
			_, err = k.Result(c.Context())
			if k.Reply() == nil {
				err = errors.New("no reply")
			}
		}
		failed <- err
	}})
	dial(t, "rtmp://"+addr+"/x", &rtmp.Options{BackgroundRead: true})
	var refused *message.StatusError
	require.ErrorAs(t, waitFor(t, "the error", failed), &refused)
	assert.Equal(t, message.CodeCallFailed, refused.Code)
}

func TestMethods(t *testing.T) {
	addr := app(t, &server.App{
		Methods: map[string]server.Method{
			"math.add": server.Func(func(a, b float64) float64 { return a + b }),
			"whoami":   server.Func(func(ctx context.Context) string { return server.FromContext(ctx).App() }),
			"deny":     func(context.Context, *server.Conn, []any) (any, error) { return nil, server.Deny("not you") },
			"fail":     func(context.Context, *server.Conn, []any) (any, error) { return nil, errors.New("out of paper") },
			"own": func(ctx context.Context, c *server.Conn, args []any) (any, error) {
				c.Handle("mine", func(context.Context, *server.Conn, []any) (any, error) { return "only yours", nil })
				return nil, nil
			},
		},
		Command: func(ctx context.Context, c *server.Conn, cmd message.Command) (any, error) {
			if cmd.Name == "other" {
				return amf.Object{{Name: "n", Value: float64(len(cmd.Args))}}, nil
			}
			return nil, errors.New("what is " + cmd.Name)
		},
	})
	c := dial(t, "rtmp://"+addr+"/calls", nil)
	call := func(method string, args ...any) (any, error) { return c.RemoteMethod(method)(background(t), args...) }
	v, err := call("math.add", 1, 2.5)
	require.NoError(t, err)
	assert.Equal(t, 3.5, v)
	_, err = call("math.add", 1)
	assert.ErrorContains(t, err, "number of arguments is 1, want 2")
	_, err = call("math.add", 1, "x")
	assert.ErrorContains(t, err, "argument 2")
	v, err = call("whoami")
	require.NoError(t, err)
	assert.Equal(t, "calls", v)
	_, err = call("deny")
	assert.ErrorContains(t, err, "not you")
	_, err = call("fail")
	assert.ErrorContains(t, err, "out of paper")
	v, err = call("other", 1, 2)
	require.NoError(t, err)
	assert.Equal(t, amf.Object{{Name: "n", Value: 2.0}}, v)
	_, err = call("mine")
	assert.ErrorContains(t, err, "what is mine")
	_, err = call("own")
	require.NoError(t, err)
	v, err = call("mine")
	require.NoError(t, err)
	assert.Equal(t, "only yours", v)
	other := dial(t, "rtmp://"+addr+"/calls", nil)
	_, err = other.RemoteMethod("mine")(background(t))
	assert.ErrorContains(t, err, "what is mine")
}

func TestFuncPanics(t *testing.T) {
	assert.Panics(t, func() { server.Func(42) })
	assert.Panics(t, func() { server.Func(func(chan int) {}) })
}

// TestStatusOfTheClient checks that App.Status receives the client's onStatus messages, and errors that match no call, as rtmplite's
// onStatus does.
func TestStatusOfTheClient(t *testing.T) {
	got := make(chan *message.StatusError, 4)
	addr := app(t, &server.App{Status: func(c *server.Conn, s *message.StatusError) { got <- s }})
	p := newPeer(t, addr)
	p.connect("x")
	p.command(0, "onStatus", 0, nil, message.StatusObject("status", "My.Code", "hello"))
	assert.Equal(t, "My.Code", waitFor(t, "the status", got).Code)
	p.command(0, "_error", 4711, nil, message.StatusObject("error", "My.Error", "stray"))
	assert.Equal(t, "My.Error", waitFor(t, "the stray", got).Code)
	p.command(0, "_result", 4711, nil, "stray")
	p.alive()
}

// TestNotifyNeverWaits checks that a client that does not read does not block Notify.
func TestNotifyNeverWaits(t *testing.T) {
	s := &server.Server{}
	p := newPeer(t, start(t, s))
	p.connect("x")
	c := s.Conns()[0]
	var err error
	for range 1 << 20 {
		if err = c.Notify("news", make([]any, 1000)); err != nil {
			break
		}
	}
	assert.ErrorContains(t, err, "does not read")
	assert.NoError(t, c.Err())
}

func TestPeers(t *testing.T) {
	s := &server.Server{}
	addr := start(t, s)
	for _, name := range []string{"chat/one", "chat/one", "chat/two"} {
		newPeer(t, addr).connect(name)
	}
	var sizes []int
	for _, c := range s.Conns() {
		sizes = append(sizes, len(c.Peers()))
	}
	assert.ElementsMatch(t, []int{2, 2, 1}, sizes)
}

func TestSendPacketAndPacketHook(t *testing.T) {
	seen := make(chan message.Packet, 1)
	s := &server.Server{Apps: map[string]*server.App{"*": {Packet: func(c *server.Conn, p *message.Packet) (bool, error) {
		if p.Type == 99 {
			q := *p
			q.Body = append([]byte(nil), p.Body...)
			seen <- q
			return true, nil
		}
		return false, nil
	}}}}
	p := newPeer(t, start(t, s))
	p.connect("x")
	p.Send(chunk.Outgoing{Type: 99, ChunkStreamID: 9, StreamID: 5, Body: []byte("hello")})
	got := waitFor(t, "the packet", seen)
	assert.Equal(t, "hello", string(got.Body))
	assert.Equal(t, uint32(5), got.StreamID)
	require.NoError(t, s.Conns()[0].SendPacket(background(t), &message.Packet{Type: 98, ChunkStreamID: 10, Body: []byte("world")}))
	for {
		m, err := p.Read()
		require.NoError(t, err)
		if m.Type == 98 {
			assert.Equal(t, "world", string(m.Body))
			break
		}
	}
	st := s.Conns()[0].Stats()
	assert.Greater(t, st.BytesIn, uint64(3000))
	assert.Greater(t, st.BytesOut, uint64(3000))
	assert.Positive(t, st.Messages)
}

// TestCheckBandwidthFlood checks that endless _checkbw commands leave no calls pending.
func TestCheckBandwidthFlood(t *testing.T) {
	p := newPeer(t, app(t, &server.App{}))
	p.connect("x")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2000 {
			p.Conn.SetWriteDeadline(time.Now().Add(patience))
			b, _ := message.AppendCommand(nil, message.TypeCommandAMF0, &message.Command{Name: "_checkbw"})
			out := p.Encode(chunk.Outgoing{Type: 20, ChunkStreamID: 3, Body: b})
			p.Conn.Write(out)
		}
	}()
	<-done
	p.command(0, "noSuchMethod", 77, nil)
	asked := 0
	for {
		cmd := p.answer("_onbwcheck", "_error")
		if cmd.Name == "_error" {
			break
		}
		asked++
	}
	assert.Equal(t, 16, asked)
}
