package rtmp

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestPacketLevel(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Send(peertest.Event(message.EventPingRequest, 99))
		p.Media(message.TypeAudio, 7, []byte("sound"))
		p.Call(0, "_result", 99, nil, p.ExpectType(message.TypeUserControl)) // SetBufferLength
		if b := p.ExpectType(message.TypeUserControl); b != nil {
			u, _ := message.ParseUserControl(b)
			p.Call(0, "pong seen", 0, nil, float64(u.Event), float64(u.Value))
		}
		p.UntilGone()
	})
	c, s := playing(t, url, nil)
	ctx := conntest.Context(t)
	var ping, sound Packet
	require.NoError(t, c.ReadPacket(ctx, &ping))
	require.Equal(t, message.TypeUserControl, ping.Type)
	require.NoError(t, c.ReadPacket(ctx, &sound))
	assert.Equal(t, "sound", string(sound.Body))
	assert.Contains(t, sound.Dump(), "Audio (8), format 0, chunk stream 6, message stream 1, time 7 ms, 5 bytes")
	require.NoError(t, c.HandlePacket(ctx, &sound))
	require.NoError(t, c.HandlePacket(ctx, &ping))
	args, err := c.WaitInvoke(ctx, "pong seen")
	require.NoError(t, err)
	assert.Equal(t, []any{float64(message.EventPingResponse), 99.0}, args)
	var again Packet
	require.NoError(t, s.ReadPacket(&again))
	assert.Equal(t, sound.Body, again.Body)
}

// TestLookingAtAConnWhileItConnects calls methods from other goroutines during Connect, even if it follows a redirect.
func TestLookingAtAConnWhileItConnects(t *testing.T) {
	overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
		target := rtmptest.Server(t, testserver.Config{Scheme: scheme})
		from := newPeer(t, func(p *peer) {
			cmd := p.Expect("connect")
			p.Call(0, "_error", cmd.TransactionID, nil, redirection302(target.URL("vod", "")))
			p.UntilGone()
		})
		o.MaxRedirects = 1
		c, err := New(from, o)
		require.NoError(t, err)
		defer c.Close()
		connected := make(chan struct{})
		var looking sync.WaitGroup
		looking.Go(func() {
			for {
				select {
				case <-connected:
					return
				default:
				}
				c.Stats()
				c.Connected()
				c.LocalAddr()
				c.ConnectReply()
			}
		})
		_, err = c.Connect(conntest.Context(t))
		close(connected)
		looking.Wait()
		require.NoError(t, err)
		require.NotZero(t, c.Stats().BytesRead)
	})
}

// requireNoDecrease checks that no counter has decreased between before and after.
func requireNoDecrease(t *testing.T, before, after Stats) {
	t.Helper()
	for name, n := range map[string][2]uint64{
		"BytesRead":       {before.BytesRead, after.BytesRead},
		"BytesWritten":    {before.BytesWritten, after.BytesWritten},
		"Messages":        {before.Messages, after.Messages},
		"UnknownMessages": {before.UnknownMessages, after.UnknownMessages},
		"UnknownEvents":   {before.UnknownEvents, after.UnknownEvents},
		"BadData":         {before.BadData, after.BadData},
		"StrayMedia":      {before.StrayMedia, after.StrayMedia},
		"UnansweredPings": {before.UnansweredPings, after.UnansweredPings},
		"DroppedMessages": {before.DroppedMessages, after.DroppedMessages},
	} {
		assert.GreaterOrEqual(t, n[1], n[0], name)
	}
}

func TestDroppedMessagesOfAClosedStream(t *testing.T) {
	c, s := publishing(t, accepting(t, (*peer).UntilGone), &Options{SendQueue: 10_000})
	another, err := c.client.Load().session.Begin(nil) // takes the write lock
	require.NoError(t, err)
	for range 100 {
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: append([]byte{0x27, 1}, make([]byte, 1000)...)}))
	}
	require.NoError(t, another.End(nil))
	before := c.Stats()
	require.Positive(t, before.DroppedMessages)
	require.NoError(t, s.Close())
	requireNoDecrease(t, before, c.Stats())
	require.NoError(t, c.Close())
	requireNoDecrease(t, before, c.Stats())
}

func TestCountersAcrossARedirect(t *testing.T) {
	target := newPeer(t, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
	url := newPeer(t, func(p *peer) {
		cmd := p.Expect("connect")
		p.mediaOn(1, "A")
		p.Send(peertest.Event(1000, 1))
		p.Send(session.EncodePacket(&Packet{Type: 99, Body: make([]byte, 10_000)}))
		p.Call(0, "_error", cmd.TransactionID, nil, redirection302(target))
		p.UntilGone()
	})
	var c *Conn
	var seen []Stats // counters at each dial
	c, err := New(url, &Options{MaxRedirects: 1, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		seen = append(seen, c.Stats())
		return new(net.Dialer).DialContext(ctx, network, addr)
	}})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Connect(conntest.Context(t))
	require.NoError(t, err)
	require.Len(t, seen, 2)
	require.Greater(t, seen[1].BytesRead, uint64(10_000))
	after := c.Stats()
	requireNoDecrease(t, seen[1], after)
	const handshakeSize = 3073
	assert.GreaterOrEqual(t, after.BytesRead, seen[1].BytesRead+handshakeSize)
}
