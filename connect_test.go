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
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

// deafToArrays behaves like go2rtc 1.9: it silently drops a connect that contains a strict array, and answers other connects. It returns
// the connect that it has answered, if any.
func (p *peer) deafToArrays() *message.Command {
	cmd := p.Expect("connect")
	if cmd == nil {
		return nil
	}
	for _, property := range cmd.Object.(amf.Object) {
		if _, strict := property.Value.([]any); strict {
			p.UntilGone()
			return nil
		}
	}
	p.Call(0, "_result", cmd.TransactionID, nil, message.StatusObject("status", "NetConnection.Connect.Success", ""))
	p.UntilGone()
	return cmd
}

// dialPiped dials scripted servers through pipes, in a synctest bubble. The n-th connection runs the n-th script.
func dialPiped(t *testing.T, ctx context.Context, o Options, scripts ...func(p *peer)) (c *Conn, dials int, err error) {
	dial, accepted := peertest.Dialer(t, onPeers(scripts)...)
	o.DialContext = dial
	c, err = Dial(ctx, "rtmp://server/app/play", &o)
	t.Cleanup(func() {
		if c != nil {
			c.Close()
		}
	})
	return c, int(accepted.Load()), err
}

func TestServerDeafToEnhanced(t *testing.T) {
	deaf := func(p *peer) { p.deafToArrays() }
	for _, test := range []struct {
		name    string
		timeout time.Duration // Options.Timeout
		limit   time.Duration // timeout of the context; 0 means none
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
			c, dials, err := dialPiped(t, t.Context(), Options{}, func(p *peer) { p.Expect("connect") }, deaf)
			require.NoError(t, err)
			assert.Zero(t, time.Since(began))
			assert.Equal(t, 2, dials)
			assert.True(t, c.Stats().WithoutEnhanced)
		})
	})
}

// TestServerNotDeaf checks that Dial connects again only if it has announced Enhanced RTMP and the server may not understand the
// announcement.
func TestServerNotDeaf(t *testing.T) {
	answers := func(after time.Duration) func(p *peer) {
		return func(p *peer) {
			cmd := p.Expect("connect")
			time.Sleep(after)
			p.Call(0, "_result", cmd.TransactionID, nil, message.StatusObject("status", "NetConnection.Connect.Success", ""))
			p.UntilGone()
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
			cmd := p.Expect("connect")
			p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetConnection.Connect.Rejected", "no"))
		})
		var refused *StatusError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, 1, dials)
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, dials, err := dialPiped(t, ctx, Options{}, (*peer).UntilGone)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, dials)
	})
}

// TestConnectUnansweredHint checks that an error after an unanswered connect says what may help.
func TestConnectUnansweredHint(t *testing.T) {
	for _, plain := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, c := piped(t, Options{NoEnhanced: plain}, (*peer).UntilGone)
			k, err := c.Connect(ctx)
			require.NoError(t, err)
			_, err = k.Result(ctx)
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			assert.Equal(t, !plain, assert.ObjectsAreEqual("rtmp: connect: timed out: the server may not understand the "+
				"announcement of Enhanced RTMP: try NoEnhanced", err.Error()), err.Error())
			require.NoError(t, c.Err(), "a wait has ended, not the connection")
		})
	}
}

// TestHangUpAtConnect checks the error for a server that refuses an app by hanging up, as nginx-rtmp does.
func TestHangUpAtConnect(t *testing.T) {
	for name, last := range map[string]func(p *peer){
		"FIN":   func(p *peer) { p.Expect("connect") },
		"reset": func(p *peer) { p.Expect("connect"); p.Conn.(*net.TCPConn).SetLinger(0) },
		"close": func(p *peer) { p.Expect("connect"); p.Call(0, "close", 0, nil); p.UntilGone() },
	} {
		t.Run(name, func(t *testing.T) {
			url, connections := newPeers(t, last, last)
			for _, o := range []*Options{{NoEnhanced: true}, {NoEnhanced: true, MaxRedirects: 1}} {
				_, err := Dial(conntest.Context(t), url, o)
				var failed *HandshakeError
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, StageConnect, failed.Stage)
				assert.ErrorContains(t, err, "the server may not have this app")
			}
			require.EqualValues(t, 2, connections.Load())
		})
	}
	t.Run("later it is a loss", func(t *testing.T) {
		url, _ := newPeers(t, func(p *peer) { p.AcceptConnect() })
		c := dialed(t, url, nil)
		err := c.ProcessPackets(conntest.Context(t))
		var failed *HandshakeError
		require.False(t, errors.As(err, &failed), "%v", err)
	})
}

func TestRefusals(t *testing.T) {
	t.Run("connect", func(t *testing.T) {
		url := newPeer(t, func(p *peer) {
			cmd := p.Expect("connect")
			p.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", "NetConnection.Connect.Rejected", "no such app"))
			p.UntilGone()
		})
		c, err := Dial(conntest.Context(t), url, nil)
		var status *StatusError
		require.ErrorAs(t, err, &status)
		assert.Equal(t, "NetConnection.Connect.Rejected", status.Code)
		assert.Equal(t, "no such app", status.Description)
		assert.Nil(t, c)
	})
	t.Run("play, and the connection lives", func(t *testing.T) {
		url := newPeer(t, func(p *peer) {
			p.AcceptConnect()
			for i := range 2 {
				p.AcceptStream(uint32(i + 1))
				p.Expect("play")
				if i == 0 {
					p.Status("NetStream.Play.StreamNotFound")
				} else {
					p.StatusOn(2, "NetStream.Play.Start")
				}
			}
			p.UntilGone()
		})
		c := dialed(t, url, nil)
		_, err := c.CreateStream(conntest.Context(t), nil)
		var status *StatusError
		require.ErrorAs(t, err, &status)
		assert.Equal(t, "NetStream.Play.StreamNotFound", status.Code)
		s, err := c.CreateStream(conntest.Context(t), nil)
		require.NoError(t, err)
		assert.EqualValues(t, 2, s.ID())
	})
}

func TestUnreadableConnectAnswer(t *testing.T) {
	for name, body := range map[string][]byte{
		"no object":             rawCommand("_result", append(amfValues(1.0), 0x99)...),
		"object cut off":        rawCommand("_result", append(amfValues(1.0), 3, 0, 9, 'a')...),
		"null for an id":        rawCommand("_result", amfValues(nil, nil)...),
		"refusal, null for id":  rawCommand("_error", amfValues(nil, nil)...),
		"answer without any id": rawCommand("_result"),
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.Expect("connect")
				p.Control(message.TypeCommandAMF0, body)
				p.UntilGone()
			})
			_, err := Dial(conntest.Context(t), url, &Options{Timeout: -1})
			var bad *ProtocolError
			require.ErrorAs(t, err, &bad)
			require.ErrorContains(t, err, "connect")
		})
	}
	t.Run("garbage after the answer", func(t *testing.T) {
		url := newPeer(t, func(p *peer) {
			p.Expect("connect")
			p.Control(message.TypeCommandAMF0, nil)
			p.Control(message.TypeCommandAMF0, rawCommand("_result", append(amfValues(1.0, nil,
				message.StatusObject("status", "NetConnection.Connect.Success", "welcome")), 0x99)...))
			p.UntilGone()
		})
		require.Len(t, dialed(t, url, nil).ConnectReply(), 2)
	})
}
