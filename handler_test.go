package rtmp

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// TestHandlersAreThereFromTheStart checks the handlers of Options with a server that sends a call together with its answer to connect.
func TestHandlersAreThereFromTheStart(t *testing.T) {
	answers := make(chan *message.Command, 1)
	url := newPeer(t, func(p *peer) {
		connect := p.Expect("connect")
		result, err := session.Command(3, 0, &message.Command{Name: "_result", TransactionID: connect.TransactionID})
		require.NoError(t, err)
		call, err := session.Command(3, 0, &message.Command{Name: "hello", TransactionID: 5, Args: []any{"you"}})
		require.NoError(t, err)
		p.Conn.Write(append(p.Encode(result), p.Encode(call)...))
		answers <- p.NextCommand()
		p.UntilGone()
	})
	handlers := map[string]HandlerFunc{"hello": func(_ context.Context, args []any) (any, error) { return args[0], nil }}
	c, err := New(url, &Options{BackgroundRead: true, Handlers: handlers})
	require.NoError(t, err)
	defer c.Close()
	delete(handlers, "hello") // New has copied the map
	_, err = c.Connect(conntest.Context(t))
	require.NoError(t, err)
	answer := <-answers
	require.NotNil(t, answer)
	require.Equal(t, "_result", answer.Name)
	require.Equal(t, []any{"you"}, answer.Args)

	c.InvokeHandler("hello", nil)
	require.Empty(t, c.core.events.methods, "the program may change its mind")
}

func TestHandlerCallsBack(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Call(0, "ask", 5, nil)
		cmd := p.Expect("more")
		p.Call(0, "_result", cmd.TransactionID, nil, "detail")
		answer := p.Expect("_result")
		p.Call(0, "done", 0, nil, answer.Args...)
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	c.InvokeHandler("ask", func(ctx context.Context, _ []any) (any, error) { return c.RemoteMethod("more")(ctx) })
	args, err := c.WaitInvoke(conntest.Context(t), "done")
	require.NoError(t, err)
	assert.Equal(t, []any{"detail"}, args)
}

func TestHandlerOfDamagedCall(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Control(message.TypeCommandAMF0, rawCommand("news", append(amfValues(7.0, nil, "first"), 0x99)...))
		if cmd := p.Expect("_result"); cmd != nil {
			p.Call(0, "answered", 0, nil, cmd.TransactionID, cmd.Args[0])
		}
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	c.InvokeHandler("news", func(_ context.Context, args []any) (any, error) { return fmt.Sprint(args...), nil })
	args, err := c.WaitInvoke(conntest.Context(t), "answered")
	require.NoError(t, err)
	require.Equal(t, []any{7.0, "first"}, args)
}

const (
	floodCalls  = 48
	floodLength = 1 << 20
)

// heldBytes returns by how many bytes f makes the memory in use grow.
func heldBytes(f func()) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // the second empties the pools
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int(after.HeapAlloc) - int(before.HeapAlloc)
}

func blockingHandler() (h HandlerFunc, busy chan struct{}, release func()) {
	busy, gate := make(chan struct{}), make(chan struct{})
	return func(context.Context, []any) (any, error) {
		close(busy)
		<-gate
		return nil, nil
	}, busy, sync.OnceFunc(func() { close(gate) })
}

// flooded connects to a server that calls "block" and then sends messages, which wait for the handler. It returns when all have arrived and
// take hold bytes of memory. release lets the handler return.
func flooded(t *testing.T, o *Options, send func(p *peer)) (c *Conn, release func(), hold int) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Call(0, "block", 0, nil)
		if cmd := p.Expect("flood"); cmd != nil {
			send(p)
			p.Call(0, "_result", cmd.TransactionID, nil)
		}
		p.count()
		p.UntilGone()
	})
	c = dialed(t, url, o)
	h, busy, release := blockingHandler()
	t.Cleanup(release)
	c.InvokeHandler("block", h)
	go c.ProcessPackets(context.Background())
	<-busy
	hold = heldBytes(func() {
		_, err := c.RemoteMethod("flood")(conntest.Context(t))
		require.NoError(t, err)
	})
	return c, release, hold
}

// count counts the client's refusals until the client calls "count", and answers that call with their number. Before it answers, it makes a
// call of its own and waits for the client's answer, since all other answers arrive before that one.
func (p *peer) count() {
	const last = 99
	refused, asked := 0, 0.0
	for cmd := p.NextCommand(); cmd != nil; cmd = p.NextCommand() {
		switch {
		case cmd.Name == "count":
			asked = cmd.TransactionID
			p.Call(0, "last", last, nil)
		case cmd.TransactionID == last:
			p.Call(0, "_result", asked, nil, refused)
			return
		case cmd.Name == "_error":
			refused++
		}
	}
}

func (p *peer) flood(name string, id float64) {
	for range floodCalls {
		p.Call(0, name, id, nil, strings.Repeat("x", floodLength))
	}
}

// counted waits until the server has received all answers, and returns how many of its calls were refused.
func counted(t *testing.T, c *Conn) int {
	refused, err := c.RemoteMethod("count")(conntest.Context(t))
	require.NoError(t, err)
	return int(refused.(float64))
}

// TestStatusesOfASlowProgram checks that statuses for a slow OnStatus are queued up to a limit of memory, and otherwise dropped and
// counted.
func TestStatusesOfASlowProgram(t *testing.T) {
	var told atomic.Int64
	c, release, hold := flooded(t, &Options{OnStatus: func(*Stream, *StatusError) { told.Add(1) }}, func(p *peer) {
		for range floodCalls {
			p.Call(0, "onStatus", 0, nil, message.StatusObject("status", "A.B", strings.Repeat("x", floodLength)))
		}
	})
	require.Less(t, hold, session.MaxCallbackBytes+8<<20)
	release()
	require.Zero(t, counted(t, c))
	require.EqualValues(t, floodCalls, told.Load()+int64(c.Stats().DroppedEvents))
	require.GreaterOrEqual(t, told.Load(), int64(12))
	require.NoError(t, c.Err())
}

// TestCallsOfASlowHandler checks that calls beyond the limit of memory are answered with _error.
func TestCallsOfASlowHandler(t *testing.T) {
	for name, id := range map[string]float64{"with an answer": 7, "without": 0} {
		t.Run(name, func(t *testing.T) {
			var served atomic.Int64
			c, release, hold := flooded(t, &Options{Handlers: map[string]HandlerFunc{
				"big": func(context.Context, []any) (any, error) { served.Add(1); return nil, nil }}},
				func(p *peer) { p.flood("big", id) })
			require.Less(t, hold, session.MaxCallbackBytes+8<<20)
			release()
			refused := counted(t, c)
			dropped := int(c.Stats().DroppedEvents)
			require.Equal(t, floodCalls, int(served.Load())+dropped)
			require.Positive(t, dropped)
			if id == 0 {
				require.Zero(t, refused)
			} else {
				require.Equal(t, dropped, refused, "nobody is left waiting")
			}
			require.NoError(t, c.Err())
		})
	}
}

// TestNobodyWantsIt checks that calls without a handler are not queued, and that calls of unknown methods are answered.
func TestNobodyWantsIt(t *testing.T) {
	for name, send := range map[string]func(p *peer){
		"unknown method":                   func(p *peer) { p.flood("nobody", 7) },
		"unknown method without an answer": func(p *peer) { p.flood("nobody", 0) },
		"status":                           func(p *peer) { p.flood("onStatus", 0) },
		"method of that length": func(p *peer) {
			for range floodCalls {
				p.Call(0, strings.Repeat("x", 60_000), 7, nil)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, release, hold := flooded(t, nil, send)
			require.Less(t, hold, 2<<20)
			release()
			refused := 0
			if strings.Contains(name, "of that length") || name == "unknown method" {
				refused = floodCalls
			}
			require.Equal(t, refused, counted(t, c))
			require.Zero(t, c.Stats().DroppedEvents)
		})
	}
}

// TestOneLargeCall checks that an empty queue accepts a message that is larger than the limit.
func TestOneLargeCall(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.Call(0, "large", 1, nil, strings.Repeat("x", session.MaxCallbackBytes-session.CallbackSize))
		p.Expect("_result")
		p.Call(0, "done", 0, nil)
		p.UntilGone()
	})
	c := dialed(t, url, &Options{Handlers: map[string]HandlerFunc{
		"large": func(context.Context, []any) (any, error) { return nil, nil }}})
	_, err := c.WaitInvoke(conntest.Context(t), "done")
	require.NoError(t, err)
	require.Zero(t, c.Stats().DroppedEvents)
}

// TestOnStatusOfTheConnection checks that OnStatus receives a status of the connection without a Stream, even if there is one to which
// other statuses on message stream 0 belong.
func TestOnStatusOfTheConnection(t *testing.T) {
	type told struct {
		stream *Stream
		code   string
	}
	all := make(chan told, 10)
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.StatusOn(0, "NetConnection.Some.News")
		p.StatusOn(0, message.CodeSeekNotify)
		p.UntilGone()
	})
	c, s := playing(t, url, &Options{BackgroundRead: true, OnStatus: func(s *Stream, status *StatusError) { all <- told{s, status.Code} }})
	defer c.Close()
	for _, want := range []told{{s, message.CodePlayStart}, {nil, "NetConnection.Some.News"}, {s, message.CodeSeekNotify}} {
		got := <-all
		assert.Equal(t, want.code, got.code)
		assert.Same(t, want.stream, got.stream, got.code)
	}
}
