package rtmp

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/message"
)

// deafToArrays answers as go2rtc 1.9 does: a connect that holds a strict array is dropped without a word. It returns what
// connect was answered, if it was.
func (p *peer) deafToArrays() *message.Command {
	cmd := p.expect("connect")
	if cmd == nil {
		return nil
	}
	for _, property := range cmd.Object.(amf.Object) {
		if _, strict := property.Value.([]any); strict {
			p.untilGone()
			return nil
		}
	}
	p.call(0, "_result", cmd.TransactionID, nil, message.StatusObject("status", "NetConnection.Connect.Success", ""))
	p.untilGone()
	return cmd
}

// dialPiped dials servers at the other end of pipes, one for each script. It is to be called in a bubble.
func dialPiped(t *testing.T, ctx context.Context, o Options, scripts ...func(p *peer)) (c *Conn, dials int, err error) {
	done := make(chan struct{}, len(scripts))
	o.DialContext = func(context.Context, string, string) (net.Conn, error) {
		if dials == len(scripts) {
			return nil, errors.New("no more scripts")
		}
		client, server := net.Pipe()
		script := scripts[dials]
		dials++
		go func() {
			defer func() { done <- struct{}{} }()
			defer server.Close()
			if _, err := handshake.Server(server, handshake.Config{}); err == nil {
				script(&peer{t: t, nc: server, in: chunk.NewReader(server, 0), out: chunk.NewWriter()})
			}
		}()
		return client, nil
	}
	c, err = Dial(ctx, "rtmp://server/app/play", &o)
	t.Cleanup(func() {
		if c != nil {
			c.Close()
		}
		for range dials {
			<-done
		}
	})
	return c, dials, err
}

func TestServerDeafToEnhanced(t *testing.T) {
	deaf := func(p *peer) { p.deafToArrays() }
	for _, test := range []struct {
		name    string
		timeout time.Duration // Options.Timeout
		limit   time.Duration // of the context; 0: none
		after   time.Duration
	}{
		{"after three seconds", 0, 0, 3 * time.Second},
		{"without a timeout", -1, 0, 3 * time.Second},
		{"after half of the timeout", 4 * time.Second, 0, 2 * time.Second},
		{"after a quarter of what the context has left", 0, 4 * time.Second, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.limit > 0 {
					limited, cancel := context.WithTimeout(ctx, test.limit)
					defer cancel()
					ctx = limited
				}
				began := time.Now()
				c, dials, err := dialPiped(t, ctx, Options{Timeout: test.timeout}, deaf, deaf)
				require.NoError(t, err)
				assert.Equal(t, test.after, time.Since(began))
				assert.Equal(t, 2, dials)
				assert.True(t, c.Stats().WithoutEnhanced)
				assert.True(t, c.Connected())
			})
		})
	}
	t.Run("with credentials, which Connect waits for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, dials, err := dialPiped(t, t.Context(), Options{PublishUser: "me", MaxRedirects: 1}, deaf, deaf)
			require.NoError(t, err)
			assert.Equal(t, 2, dials)
			assert.True(t, c.Stats().WithoutEnhanced)
		})
	})
	t.Run("a server that hangs up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			c, dials, err := dialPiped(t, t.Context(), Options{}, func(p *peer) { p.expect("connect") }, deaf)
			require.NoError(t, err)
			assert.Zero(t, time.Since(began))
			assert.Equal(t, 2, dials)
			assert.True(t, c.Stats().WithoutEnhanced)
		})
	})
}

// What is no sign of deafness is not tried again, nor is what was not announced.
func TestServerNotDeaf(t *testing.T) {
	answers := func(after time.Duration) func(p *peer) {
		return func(p *peer) {
			cmd := p.expect("connect")
			time.Sleep(after)
			p.call(0, "_result", cmd.TransactionID, nil, message.StatusObject("status", "NetConnection.Connect.Success", ""))
			p.untilGone()
		}
	}
	synctest.Test(t, func(t *testing.T) {
		c, dials, err := dialPiped(t, t.Context(), Options{}, answers(2900*time.Millisecond))
		require.NoError(t, err)
		assert.Equal(t, 1, dials)
		assert.False(t, c.Stats().WithoutEnhanced)
	})
	synctest.Test(t, func(t *testing.T) {
		c, dials, err := dialPiped(t, t.Context(), Options{NoEnhanced: true}, answers(29*time.Second))
		require.NoError(t, err)
		assert.Equal(t, 1, dials)
		assert.False(t, c.Stats().WithoutEnhanced)
	})
	synctest.Test(t, func(t *testing.T) { // slow, not deaf
		c, dials, err := dialPiped(t, t.Context(), Options{}, answers(20*time.Second), answers(20*time.Second))
		require.NoError(t, err)
		assert.Equal(t, 2, dials)
		assert.True(t, c.Stats().WithoutEnhanced)
	})
	synctest.Test(t, func(t *testing.T) {
		_, dials, err := dialPiped(t, t.Context(), Options{}, func(p *peer) {
			cmd := p.expect("connect")
			p.call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetConnection.Connect.Rejected", "no"))
		})
		var refused *StatusError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, 1, dials)
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, dials, err := dialPiped(t, ctx, Options{}, (*peer).untilGone)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, dials)
	})
}

// Connect leaves the choice to the program, whose error says what may help.
func TestConnectUnansweredHint(t *testing.T) {
	for _, plain := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, c := piped(t, Options{NoEnhanced: plain}, (*peer).untilGone)
			k, err := c.Connect(ctx)
			require.NoError(t, err)
			_, err = k.Result(ctx)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			assert.Equal(t, !plain, assert.ObjectsAreEqual("rtmp: connect: timed out: the server may not understand the "+
				"announcement of Enhanced RTMP, which NoEnhanced leaves out", err.Error()), err.Error())
			require.NoError(t, c.Err(), "a wait has ended, not the connection")
		})
	}
}

// nginx-rtmp refuses an app by hanging up.
func TestHangUpAtConnect(t *testing.T) {
	for name, last := range map[string]func(p *peer){
		"FIN":   func(p *peer) { p.expect("connect") },
		"reset": func(p *peer) { p.expect("connect"); p.nc.(*net.TCPConn).SetLinger(0) },
		"close": func(p *peer) { p.expect("connect"); p.call(0, "close", 0, nil); p.untilGone() },
	} {
		t.Run(name, func(t *testing.T) {
			url, connections := newPeers(t, last, last)
			for _, o := range []*Options{{NoEnhanced: true}, {NoEnhanced: true, MaxRedirects: 1}} {
				_, err := Dial(testContext(t), url, o)
				var failed *HandshakeError
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, StageConnect, failed.Stage)
				assert.ErrorContains(t, err, "the server may not have this app")
			}
			require.EqualValues(t, 2, connections.Load())
		})
	}
	t.Run("later it is a loss", func(t *testing.T) {
		url, _ := newPeers(t, func(p *peer) { p.accept() })
		c := dialed(t, url, nil)
		err := c.ProcessPackets(testContext(t))
		var failed *HandshakeError
		require.False(t, errors.As(err, &failed), "%v", err)
	})
}
