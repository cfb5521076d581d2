package rtmp

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

// strictServers contains servers that do not support pipelining, and for each kind of pipelining the expected numbers of fallbacks and
// connections.
var strictServers = []struct {
	name        string
	server      func() *strictServer
	fallbacks   [3]int
	connections [3]int
}{
	{"nothing", func() *strictServer { return &strictServer{} }, [3]int{0, 0, 0}, [3]int{1, 1, 1}},
	{"answers connect after a second", func() *strictServer { return &strictServer{delay: time.Second} }, [3]int{0, 0, 0}, [3]int{1, 1, 1}},
	{"answers connect after ten seconds", func() *strictServer { return &strictServer{delay: 10 * time.Second} }, [3]int{0, 1, 2}, [3]int{1, 2, 3}},
	{"serves at once, answers connect after a second", func() *strictServer {
		return &strictServer{delay: time.Second, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) {
				g.serve(cmd, id)
				return drop
			}
			return serve
		}}
	}, [3]int{0, 0, 0}, [3]int{1, 1, 1}},
	{"another stream id", func() *strictServer { return &strictServer{firstID: 5} }, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"another stream id, and a status on message stream 0", func() *strictServer {
		return &strictServer{firstID: 5, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if !opensStream(cmd) || id != 1 {
				return serve
			}
			g.waiting = append(g.waiting, func() {
				g.Call(0, "onStatus", 0, nil, message.StatusObject("error", message.CodeFailed, "no such stream"))
			})
			return drop
		}}
	}, [3]int{0, 2, 2}, [3]int{1, 1, 1}},
	{"another stream id, and no word of the wrong one", func() *strictServer {
		return &strictServer{firstID: 5, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if opensStream(cmd) && id == 1 {
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"another stream id, and hangs up at the wrong one", func() *strictServer {
		return &strictServer{firstID: 5, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if opensStream(cmd) && id == 1 {
				g.waiting = append(g.waiting, func() { g.Conn.Close() })
				return drop
			}
			return serve
		}}
	}, [3]int{0, 2, 2}, [3]int{1, 2, 2}},
	{"refuses everything before connect is answered", func() *strictServer {
		return &strictServer{delay: time.Second, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) {
				g.refuse(cmd)
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"drops everything before connect is answered", func() *strictServer {
		return &strictServer{delay: time.Second, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) {
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"hangs up at everything before connect is answered", func() *strictServer {
		return &strictServer{delay: time.Second, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) {
				return hangUp
			}
			return serve
		}}
	}, [3]int{0, 1, 2}, [3]int{1, 2, 3}},
	{"drops what opens the stream before connect is answered", func() *strictServer {
		return &strictServer{delay: time.Second, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			switch {
			case g.early(cmd) && opensStream(cmd):
				return drop
			case g.early(cmd):
				g.serve(cmd, id)
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"refuses what opens the stream before connect is answered", func() *strictServer {
		return &strictServer{delay: time.Second, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) && opensStream(cmd) {
				g.refuse(cmd)
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"refuses to open a stream before createStream is answered, and then gives it", func() *strictServer {
		return &strictServer{delay: time.Second, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) && opensStream(cmd) {
				g.Call(1, "onStatus", 0, nil, message.StatusObject("error", message.CodeFailed, "no such stream"))
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"hangs up at a C2 that is not an echo", func() *strictServer {
		return &strictServer{opens: func(r *handshake.Result) reaction {
			if !r.ReplyValid {
				return hangUp
			}
			return serve
		}}
	}, [3]int{0, 0, 1}, [3]int{1, 1, 2}},
	{"is silent after a C2 that is not an echo", func() *strictServer {
		return &strictServer{opens: func(r *handshake.Result) reaction {
			if !r.ReplyValid {
				return drop
			}
			return serve
		}}
	}, [3]int{0, 0, 1}, [3]int{1, 1, 2}},
}

func overEveryWary(t *testing.T, test func(t *testing.T, w *strictServer, o *Options) *Conn) {
	for _, tt := range strictServers {
		for i, p := range pipelinings {
			t.Run(tt.name+", "+p.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newStrictServer(t, tt.server())
					defer w.close()
					c := test(t, w, &Options{Pipelining: p.Pipelining, DialContext: w.dial, NoEnhanced: true})
					assert.Equal(t, tt.fallbacks[i], c.Stats().PipelineFallbacks, "fallbacks")
					assert.Len(t, w.connections(), tt.connections[i], "connections")
					require.NoError(t, c.Close())
					time.Sleep(2 * oneWay)
					last := w.connections()[len(w.connections())-1]
					last.Lock()
					defer last.Unlock()
					assert.Contains(t, last.commands, "deleteStream")
				})
			})
		}
	}
}

// TestPipeliningNeverFailsToPlay checks that a stream can be played from every server with each kind of pipelining.
func TestPipeliningNeverFailsToPlay(t *testing.T) {
	overEveryWary(t, func(t *testing.T, w *strictServer, o *Options) *Conn {
		c, err := Dial(t.Context(), "rtmp://server/app/name", o)
		require.NoError(t, err)
		s, err := c.CreateStream(t.Context(), nil)
		require.NoError(t, err)
		var p Packet
		require.NoError(t, s.ReadPacket(&p))
		assert.Equal(t, "picture", string(p.Body))
		return c
	})
}

func TestPipeliningNeverFailsToPublish(t *testing.T) {
	overEveryWary(t, func(t *testing.T, w *strictServer, o *Options) *Conn {
		o.Publish = true
		c, err := Dial(t.Context(), "rtmp://server/app/key", o)
		require.NoError(t, err)
		s, err := c.CreateStream(t.Context(), &StreamOptions{Writable: true})
		require.NoError(t, err)
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: make([]byte, 1000)}))
		time.Sleep(oneWay)
		synctest.Wait()
		last := w.connections()[len(w.connections())-1]
		last.Lock()
		defer last.Unlock()
		assert.Equal(t, 1, last.media)
		return c
	})
}

// withStrictServer runs test with the server w and a Conn that is connected to it.
func withStrictServer(t *testing.T, w *strictServer, o Options, test func(t *testing.T, w *strictServer, c *Conn)) {
	synctest.Test(t, func(t *testing.T) {
		newStrictServer(t, w)
		defer w.close()
		o.DialContext = w.dial
		c, err := Dial(t.Context(), "rtmp://server/app/name", &o)
		require.NoError(t, err)
		defer c.Close()
		test(t, w, c)
	})
}

func (w *strictServer) commandsOf(n int) []string {
	time.Sleep(4 * oneWay)
	g := w.connections()[n]
	g.Lock()
	defer g.Unlock()
	return g.commands
}

// TestRefusalsAreNotFallbacks checks that refusing connect, or the stream after connect was accepted, causes no fallback.
func TestRefusalsAreNotFallbacks(t *testing.T) {
	t.Run("connect", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newStrictServer(t, &strictServer{reacts: func(g *strictConn, cmd *message.Command, _ uint32) reaction {
				if cmd.Name == "connect" {
					g.Call(0, "_error", cmd.TransactionID, nil, message.StatusObject("error", message.CodeConnectRejected, "not you"))
				}
				return drop
			}})
			defer w.close()
			c, err := New("rtmp://server/app/name", &Options{Pipelining: PipelineHandshake, DialContext: w.dial})
			require.NoError(t, err)
			defer c.Close()
			k, err := c.Connect(t.Context())
			require.NoError(t, err)
			_, err = k.Result(t.Context())
			var refused *StatusError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, message.CodeConnectRejected, refused.Code)
			_, err = c.CreateStream(t.Context(), nil)
			require.ErrorAs(t, err, &refused)
			assert.Zero(t, c.Stats().PipelineFallbacks)
			assert.Len(t, w.connections(), 1)
			assert.Empty(t, c.client.Load().streams.all())
		})
	})
	t.Run("play", func(t *testing.T) {
		withStrictServer(t, &strictServer{reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if cmd.Name != "play" || g.accepted {
				return serve
			}
			g.waiting = append(g.waiting, func() {
				g.Call(1, "onStatus", 0, nil, message.StatusObject("error", message.CodePlayStreamNotFound, "no such stream"))
			})
			return drop
		}}, Options{Pipelining: PipelineHandshake}, func(t *testing.T, w *strictServer, c *Conn) {
			_, err := c.CreateStream(t.Context(), nil)
			var refused *StatusError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, message.CodePlayStreamNotFound, refused.Code)
			assert.ErrorContains(t, err, "rtmp: play name: ")
			assert.Zero(t, c.Stats().PipelineFallbacks)
			s, err := c.CreateStream(t.Context(), nil)
			require.NoError(t, err, "the connection lives")
			assert.EqualValues(t, 2, s.ID())
		})
	})
}

// TestPipeliningWithAServerThatAlwaysFails checks that Connect returns the error of the last attempt, in time.
func TestPipeliningWithAServerThatAlwaysFails(t *testing.T) {
	hopeless := map[string]*strictServer{
		"hangs up at connect": {reacts: func(*strictConn, *message.Command, uint32) reaction { return hangUp }},
		"is silent":           {reacts: func(*strictConn, *message.Command, uint32) reaction { return drop }},
		"hangs up early":      {opens: func(*handshake.Result) reaction { return hangUp }},
	}
	for name, w := range hopeless {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				newStrictServer(t, w)
				defer w.close()
				began := time.Now()
				_, err := Dial(t.Context(), "rtmp://server/app/name", &Options{Pipelining: PipelineHandshake, DialContext: w.dial, Timeout: 5 * time.Second})
				require.Error(t, err)
				if name == "is silent" {
					assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
				} else {
					var failed *HandshakeError
					require.ErrorAs(t, err, &failed)
					assert.Equal(t, StageConnect, failed.Stage)
				}
				assert.Less(t, time.Since(began), 4*5*time.Second)
				assert.Len(t, w.connections(), 4, "with less pipelining each time, and at last without Enhanced RTMP")
			})
		})
	}
	t.Run("speaks something else", func(t *testing.T) {
		c, err := New("rtmp://"+newRawServer(t, "HTTP/1.1 400 Bad Request\r\n\r\n")+"/app/name", &Options{Pipelining: PipelineHandshake})
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Connect(conntest.Context(t))
		require.ErrorContains(t, err, "not an RTMP server?")
		assert.Zero(t, c.Stats().PipelineFallbacks)
	})
}

func TestPipeliningText(t *testing.T) {
	for _, p := range pipelinings {
		text, err := p.Pipelining.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, p.name, string(text))
		got := Pipelining(-1)
		require.NoError(t, got.UnmarshalText(text))
		assert.Equal(t, p.Pipelining, got)
	}
	got := PipelineCommands
	require.Error(t, got.UnmarshalText([]byte("all")))
	assert.Equal(t, PipelineCommands, got)
	assert.Equal(t, "Pipelining(7)", Pipelining(7).String())
	c, err := New("rtmp://server/app/name", &Options{Pipelining: 7})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Connect(t.Context())
	var option *OptionError
	require.ErrorAs(t, err, &option)
	assert.Equal(t, "Pipelining", option.Name)
}

// TestPipeliningWithAServerOfOneStream checks that Connect makes a new connection to a server that assigns message stream id 5, but sends
// everything on message stream 1.
func TestPipeliningWithAServerOfOneStream(t *testing.T) {
	for _, p := range pipelinings {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newStrictServer(t, &strictServer{firstID: 5, reacts: func(g *strictConn, cmd *message.Command, id uint32) reaction {
					if cmd.Name != "play" {
						return serve
					}
					show := func() {
						g.Send(peertest.Command(1, "onStatus", 0, nil, message.StatusObject("status", message.CodePlayStart, "")))
						g.Media(message.TypeVideo, 0, []byte("picture"))
					}
					if g.accepted {
						show()
					} else {
						g.waiting = append(g.waiting, show)
					}
					return drop
				}})
				defer w.close()
				c, err := Dial(t.Context(), "rtmp://server/app/name", &Options{Pipelining: p.Pipelining, DialContext: w.dial, NoEnhanced: true})
				require.NoError(t, err)
				defer c.Close()
				s, err := c.CreateStream(t.Context(), nil)
				require.NoError(t, err)
				var pkt Packet
				require.NoError(t, s.ReadPacket(&pkt))
				assert.Equal(t, "picture", string(pkt.Body))
			})
		})
	}
}
