package rtmp

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// A server that calls in the same breath in which it accepts connect finds the handlers there.
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
	delete(handlers, "hello") // New has copied it
	_, err = c.Connect(conntest.Context(t))
	require.NoError(t, err)
	answer := <-answers
	require.NotNil(t, answer)
	require.Equal(t, "_result", answer.Name)
	require.Equal(t, []any{"you"}, answer.Args)

	c.InvokeHandler("hello", nil)
	require.Empty(t, c.core.events.methods, "the program may change its mind")
}
