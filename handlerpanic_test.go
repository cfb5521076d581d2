package rtmp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestPanicOfTheProgramEndsTheConn checks that a panic in one of the program's functions ends only the Conn that has called the function, with
// a typed error and a stack in the log.
func TestPanicOfTheProgramEndsTheConn(t *testing.T) {
	boom := errors.New("boom")
	for name, test := range map[string]struct {
		options Options
		prepare func(t *testing.T, c *Conn)
		provoke func(p *peer)
	}{
		"handler": {
			options: Options{Handlers: map[string]HandlerFunc{"hello": func(context.Context, []any) (any, error) { panic(boom) }}},
			provoke: func(p *peer) { p.Call(0, "hello", 5, nil) },
		},
		"OnStatus": {
			options: Options{OnStatus: func(*Stream, *StatusError) { panic(boom) }},
			provoke: func(p *peer) {
				p.Call(0, "onStatus", 0, nil, message.StatusObject("status", "NetConnection.Some.News", ""))
			},
		},
		"shared object": {
			prepare: func(t *testing.T, c *Conn) {
				o, err := c.SharedObject(conntest.Context(t), "o", false)
				require.NoError(t, err)
				o.Handle(func(SharedObjectEvent) { panic(boom) })
				_, err = c.Call(conntest.Context(t), "go")
				require.NoError(t, err)
			},
			provoke: func(p *peer) {
				p.ExpectType(message.TypeSharedObjectAMF0)
				p.shared(message.SharedEvent{Type: message.SharedUseSuccess})
				p.Expect("go")
				data, err := amf.AppendAMF0(amf.AppendString(nil, "hello"))
				require.NoError(t, err)
				p.shared(message.SharedEvent{Type: message.SharedSendMessage, Data: data})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptConnect()
				test.provoke(p)
				p.UntilGone()
			})
			var log bytes.Buffer // the log is complete before the Conn ends
			test.options.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
			c := dialed(t, url, &test.options)
			if test.prepare != nil {
				test.prepare(t, c)
			}
			err := c.ProcessPackets(conntest.Context(t))
			var panicked *PanicError
			require.ErrorAs(t, err, &panicked)
			assert.Equal(t, err, c.Err())
			assert.ErrorIs(t, err, boom)
			assert.EqualError(t, panicked, "rtmp: handler: panic: boom")
			assert.Contains(t, string(panicked.Stack), "handlerpanic_test.go")
			require.NoError(t, c.Close())
			assert.Contains(t, log.String(), "handlerpanic_test.go")
		})
	}
}

func TestPanicErrorOfWhatIsNoError(t *testing.T) {
	err := &PanicError{Value: "a\x1b"}
	require.EqualError(t, err, `rtmp: handler: panic: "a\x1b"`)
	require.NoError(t, err.Unwrap())
}

// TestFromContext checks that a handler that serves several Conns finds the right one in its context.
func TestFromContext(t *testing.T) {
	require.Nil(t, FromContext(t.Context()))
	found := make(chan *Conn, 1)
	for range 2 {
		url := newPeer(t, func(p *peer) {
			p.AcceptConnect()
			p.Call(0, "hello", 0, nil)
			p.UntilGone()
		})
		c := dialed(t, url, &Options{BackgroundRead: true, Handlers: map[string]HandlerFunc{
			"hello": Func(func(ctx context.Context) { found <- FromContext(ctx) })}})
		require.Same(t, c, <-found)
		require.NoError(t, c.Close())
	}
}
