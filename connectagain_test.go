package rtmp

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/message"
)

// TestDialTakesMoreThanHalfOfTheContext checks a server that takes more than half of the context's time to answer connect. The first
// attempt must leave enough time for the second.
func TestDialTakesMoreThanHalfOfTheContext(t *testing.T) {
	slow := func(p *peer) {
		cmd := p.Expect("connect")
		if cmd == nil {
			return
		}
		time.Sleep(600 * time.Millisecond) // in the time of the bubble
		p.Call(0, "_result", cmd.TransactionID, nil, message.StatusObject("status", "NetConnection.Connect.Success", ""))
		p.UntilGone()
	}
	for name, o := range map[string]*Options{"announcing": {}, "NoEnhanced": {NoEnhanced: true}} {
		inBubble(t, name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _, err := dialPiped(t, ctx, *o, slow, slow, slow)
			require.NoError(t, err)
		})
	}
}

// TestDialRetriesCredentials checks that Dial repeats the response to a challenge if the server hangs up after the first one.
func TestDialRetriesCredentials(t *testing.T) {
	var proofs atomic.Int32
	script := func(p *peer) {
		cmd := p.Expect("connect")
		if cmd == nil {
			return
		}
		o, _ := cmd.Object.(amf.Object)
		app, _ := o.Get("app")
		text := fmt.Sprint(app)
		switch {
		case text == "app":
			p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetConnection.Connect.Rejected",
				"[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : "))
			p.UntilGone()
		case !contains(text, "response="):
			p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetConnection.Connect.Rejected",
				"[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=me&salt=abc&challenge=def&opaque=ghi"))
			p.UntilGone()
		default:
			proofs.Add(1) // counts the response, and hangs up
		}
	}
	url, accepted := newPeers(t, script, script, script, script, script, script, script, script)
	_, err := Dial(conntest.Context(t), url, &Options{PublishUser: "me", PublishPassword: "word"})
	require.Error(t, err)
	t.Logf("%d connections, %d proofs: %v", accepted.Load(), proofs.Load(), err)
	assert.EqualValues(t, 1, proofs.Load())
}

func contains(s, sub string) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i:i+len(sub)] == sub {
			return true
		}
	}
	return false
}

// TestDialGivenUpAtAnyMoment cancels Dial at every moment of its two attempts, and checks that no connection stays open.
func TestDialGivenUpAtAnyMoment(t *testing.T) {
	var open atomic.Int32
	script := func(p *peer) { p.Expect("connect") } // hangs up
	for i := range 150 {
		url, _ := newPeers(t, script, script)
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*20*time.Microsecond)
		_, err := Dial(ctx, url, &Options{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err == nil {
				open.Add(1)
				nc = &openCounted{Conn: nc, open: &open}
			}
			return nc, err
		}})
		cancel()
		require.Error(t, err)
		assert.True(t, rightlyTyped(err) || ctx.Err() != nil, "%T %v", err, err)
	}
	require.Eventually(t, func() bool { return open.Load() == 0 }, patience, time.Millisecond)
}

type openCounted struct {
	net.Conn
	open *atomic.Int32
	done atomic.Bool
}

func (c *openCounted) Close() error {
	if c.done.CompareAndSwap(false, true) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}

// TestConnectAgainBesideContext tests a context that ends while connect is being sent to a server that asks for credentials.
func TestConnectAgainBesideContext(t *testing.T) {
	refuse := func(p *peer) {
		cmd := p.Expect("connect")
		if cmd == nil {
			return
		}
		p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetConnection.Connect.Rejected",
			"[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : "))
		p.UntilGone()
	}
	scripts := make([]func(*peer), 2000)
	for i := range scripts {
		scripts[i] = refuse
	}
	url, _ := newPeers(t, scripts...)
	for i := range repetitions(400) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(200+i%100*8)*time.Microsecond)
		_, err := Dial(ctx, url, &Options{PublishUser: "me", PublishPassword: "word"})
		cancel()
		require.Error(t, err)
	}
}

func TestCloseBesideConnect(t *testing.T) {
	ok := func(p *peer) { p.AcceptConnect(); p.UntilGone() }
	scripts := make([]func(*peer), 500)
	for i := range scripts {
		scripts[i] = ok
	}
	url, _ := newPeers(t, scripts...)
	for i := range 300 {
		c, err := New(url, &Options{BackgroundRead: i%2 == 0})
		require.NoError(t, err)
		go func() {
			time.Sleep(time.Duration(i*5) * time.Microsecond)
			c.Close()
		}()
		k, err := c.Connect(context.Background())
		if err == nil {
			_, err = k.Result(context.Background())
		}
		if err != nil {
			assert.ErrorIs(t, err, net.ErrClosed)
		}
		took := elapsed(func() { assert.NoError(t, c.Close()) })
		assert.Less(t, took, 15*time.Second, "half of Timeout")
	}
}
