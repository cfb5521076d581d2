package rtmp

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// A call that wants no answer has the transaction id 0, and nothing is left of it.
func TestCallWithoutReply(t *testing.T) {
	calls := make(chan *message.Command, 2)
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		calls <- p.Expect("tell")
		p.Call(0, "_result", 0, nil, "unasked")
		p.Call(0, "told", 0, nil)
		calls <- p.Expect("ask")
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	k, err := c.CallWith(conntest.Context(t), CallOptions{NoReply: true, TransactionID: 44}, "tell", "you")
	require.NoError(t, err)
	result, err := k.Result(conntest.Context(t))
	require.NoError(t, err)
	require.Nil(t, result)
	require.Nil(t, k.Reply())
	require.Zero(t, k.TransactionID())
	require.Zero(t, c.client.Load().session.PendingCalls())
	tell := <-calls
	require.NotNil(t, tell)
	require.Zero(t, tell.TransactionID)
	require.Equal(t, []any{"you"}, tell.Args)
	_, err = c.WaitInvoke(conntest.Context(t), "told")
	require.NoError(t, err)

	k, err = c.Call(conntest.Context(t), "ask")
	require.NoError(t, err)
	ask := <-calls
	require.NotNil(t, ask)
	require.Equal(t, k.TransactionID(), ask.TransactionID)
	require.NoError(t, c.Close())
	_, err = k.Result(conntest.Context(t))
	require.Error(t, err)
}

// A server that never answers can't make us remember calls without end.
func TestUnansweredCallsAreBounded(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	for range 1 << 16 {
		_, err := c.client.Load().session.NewCall("ask", 0)
		require.NoError(t, err)
	}
	_, err := c.Call(conntest.Context(t), "ask")
	require.ErrorContains(t, err, "65536 calls without an answer")
	_, err = c.CreateStream(conntest.Context(t), nil)
	require.ErrorContains(t, err, "without an answer")
	_, err = c.CallWith(conntest.Context(t), CallOptions{NoReply: true}, "tell")
	require.NoError(t, err)
	require.NoError(t, c.Err())
}
