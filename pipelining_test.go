package rtmp

import (
	"context"
	"fmt"
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
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

// waries contains servers that do not support pipelining. For each kind of pipelining it has the expected number of fallbacks and of
// connections.
var waries = []struct {
	name        string
	server      func() *wary
	fallbacks   [3]int
	connections [3]int
}{
	{"nothing", func() *wary { return &wary{} }, [3]int{0, 0, 0}, [3]int{1, 1, 1}},
	{"answers connect after a second", func() *wary { return &wary{delay: time.Second} }, [3]int{0, 0, 0}, [3]int{1, 1, 1}},
	{"answers connect after ten seconds", func() *wary { return &wary{delay: 10 * time.Second} }, [3]int{0, 1, 2}, [3]int{1, 2, 3}},
	{"serves at once, answers connect after a second", func() *wary {
		return &wary{delay: time.Second, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) {
				g.serve(cmd, id)
				return drop
			}
			return serve
		}}
	}, [3]int{0, 0, 0}, [3]int{1, 1, 1}},
	{"another stream id", func() *wary { return &wary{firstID: 5} }, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"another stream id, and a status on message stream 0", func() *wary {
		return &wary{firstID: 5, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
			if !opensStream(cmd) || id != 1 {
				return serve
			}
			g.waiting = append(g.waiting, func() {
				g.Call(0, "onStatus", 0, nil, message.StatusObject("error", message.CodeFailed, "no such stream"))
			})
			return drop
		}}
	}, [3]int{0, 2, 2}, [3]int{1, 1, 1}},
	{"another stream id, and no word of the wrong one", func() *wary {
		return &wary{firstID: 5, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
			if opensStream(cmd) && id == 1 {
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"another stream id, and hangs up at the wrong one", func() *wary {
		return &wary{firstID: 5, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
			if opensStream(cmd) && id == 1 {
				g.waiting = append(g.waiting, func() { g.Conn.Close() })
				return drop
			}
			return serve
		}}
	}, [3]int{0, 2, 2}, [3]int{1, 2, 2}},
	{"refuses everything before connect is answered", func() *wary {
		return &wary{delay: time.Second, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) {
				g.refuse(cmd)
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"drops everything before connect is answered", func() *wary {
		return &wary{delay: time.Second, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) {
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"hangs up at everything before connect is answered", func() *wary {
		return &wary{delay: time.Second, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) {
				return hangUp
			}
			return serve
		}}
	}, [3]int{0, 1, 2}, [3]int{1, 2, 3}},
	{"drops what opens the stream before connect is answered", func() *wary {
		return &wary{delay: time.Second, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
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
	{"refuses what opens the stream before connect is answered", func() *wary {
		return &wary{delay: time.Second, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) && opensStream(cmd) {
				g.refuse(cmd)
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"refuses to open a stream before createStream is answered, and then gives it", func() *wary {
		return &wary{delay: time.Second, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
			if g.early(cmd) && opensStream(cmd) {
				g.Call(1, "onStatus", 0, nil, message.StatusObject("error", message.CodeFailed, "no such stream"))
				return drop
			}
			return serve
		}}
	}, [3]int{0, 1, 1}, [3]int{1, 1, 1}},
	{"hangs up at a C2 that is not an echo", func() *wary {
		return &wary{opens: func(r *handshake.Result) reaction {
			if !r.ReplyValid {
				return hangUp
			}
			return serve
		}}
	}, [3]int{0, 0, 1}, [3]int{1, 1, 2}},
	{"is silent after a C2 that is not an echo", func() *wary {
		return &wary{opens: func(r *handshake.Result) reaction {
			if !r.ReplyValid {
				return drop
			}
			return serve
		}}
	}, [3]int{0, 0, 1}, [3]int{1, 1, 2}},
}

func overEveryWary(t *testing.T, test func(t *testing.T, w *wary, o *Options) *Conn) {
	for _, tt := range waries {
		for i, p := range pipelinings {
			t.Run(tt.name+", "+p.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWary(t, tt.server())
					defer w.close()
					c := test(t, w, &Options{Pipelining: p.Pipelining, DialContext: w.dial, NoEnhanced: true})
					assert.Equal(t, tt.fallbacks[i], c.Stats().PipelineFallbacks, "fallbacks")
					assert.Len(t, w.visitors(), tt.connections[i], "connections")
					require.NoError(t, c.Close())
					time.Sleep(2 * oneWay)
					last := w.visitors()[len(w.visitors())-1]
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
	overEveryWary(t, func(t *testing.T, w *wary, o *Options) *Conn {
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
	overEveryWary(t, func(t *testing.T, w *wary, o *Options) *Conn {
		o.Publish = true
		c, err := Dial(t.Context(), "rtmp://server/app/key", o)
		require.NoError(t, err)
		s, err := c.CreateStream(t.Context(), &StreamOptions{Writable: true})
		require.NoError(t, err)
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: make([]byte, 1000)}))
		time.Sleep(oneWay)
		synctest.Wait()
		last := w.visitors()[len(w.visitors())-1]
		last.Lock()
		defer last.Unlock()
		assert.Equal(t, 1, last.media)
		return c
	})
}

// withWary runs test with a server that behaves like w, or answers everything, and a Conn that is connected to it.
func withWary(t *testing.T, w *wary, o Options, test func(t *testing.T, w *wary, c *Conn)) {
	synctest.Test(t, func(t *testing.T) {
		newWary(t, w)
		defer w.close()
		o.DialContext = w.dial
		c, err := Dial(t.Context(), "rtmp://server/app/name", &o)
		require.NoError(t, err)
		defer c.Close()
		test(t, w, c)
	})
}

// commandsOf returns the commands of the n-th client, after everything has arrived.
func (w *wary) commandsOf(n int) []string {
	time.Sleep(4 * oneWay)
	g := w.visitors()[n]
	g.Lock()
	defer g.Unlock()
	return g.commands
}

// TestPipelinedOrder checks that the order of the commands does not depend on pipelining.
func TestPipelinedOrder(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options Options
		want    []string
	}{
		{"play", Options{}, []string{"connect", "createStream", "play"}},
		{"everything before play", Options{Live: true, Playlist: true},
			[]string{"connect", "createStream", "FCSubscribe", "set_playlist", "play"}},
		{"publish", Options{Publish: true}, []string{"connect", "releaseStream", "FCPublish", "createStream", "publish"}},
	} {
		for _, p := range pipelinings {
			t.Run(tt.name+" "+p.name, func(t *testing.T) {
				o := tt.options
				o.Pipelining = p.Pipelining
				withWary(t, new(wary), o, func(t *testing.T, w *wary, c *Conn) {
					_, err := c.CreateStream(t.Context(), &StreamOptions{Writable: o.Publish})
					require.NoError(t, err)
					assert.Equal(t, tt.want, w.commandsOf(0))
				})
			})
		}
	}
}

// TestPipelinedStreamThatIsNotTaken checks that a pipelined stream is closed if CreateStream asks for another one, or is not called at all.
func TestPipelinedStreamThatIsNotTaken(t *testing.T) {
	farewell := map[bool][]string{false: {"deleteStream"}, true: {"FCUnpublish", "deleteStream"}}
	for _, p := range pipelinings[1:] {
		for _, publish := range []bool{false, true} {
			t.Run(fmt.Sprint(p.name, ", closed, publishing: ", publish), func(t *testing.T) {
				withWary(t, new(wary), Options{Pipelining: p.Pipelining, Publish: publish}, func(t *testing.T, w *wary, c *Conn) {
					asked := len(w.commandsOf(0))
					require.NoError(t, c.Close())
					assert.Equal(t, farewell[publish], w.commandsOf(0)[asked:])
				})
			})
			t.Run(fmt.Sprint(p.name, ", another is wanted, publishing: ", publish), func(t *testing.T) {
				withWary(t, new(wary), Options{Pipelining: p.Pipelining, Publish: publish}, func(t *testing.T, w *wary, c *Conn) {
					asked := len(w.commandsOf(0))
					s, err := c.CreateStream(t.Context(), &StreamOptions{Name: "other"})
					require.NoError(t, err)
					assert.EqualValues(t, 2, s.ID())
					assert.Equal(t, append(farewell[publish], "createStream", "play"), w.commandsOf(0)[asked:])
					assert.Zero(t, c.Stats().PipelineFallbacks, "the server has not minded anything")
					require.NoError(t, c.Close())
					assert.Equal(t, append(farewell[publish], "createStream", "play", "deleteStream"), w.commandsOf(0)[asked:])
				})
			})
		}
	}
	t.Run("publishing was refused", func(t *testing.T) {
		refuses := func(g *guest, cmd *message.Command, id uint32) reaction {
			if cmd.Name != "publish" {
				return serve
			}
			g.waiting = append(g.waiting, func() {
				g.Call(1, "onStatus", 0, nil, message.StatusObject("error", message.CodePublishBadName, "another's"))
			})
			return drop
		}
		withWary(t, &wary{reacts: refuses}, Options{Pipelining: PipelineHandshake, Publish: true}, func(t *testing.T, w *wary, c *Conn) {
			asked := len(w.commandsOf(0))
			_, err := c.CreateStream(t.Context(), &StreamOptions{Writable: true})
			var refused *StatusError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, message.CodePublishBadName, refused.Code)
			assert.Zero(t, c.Stats().PipelineFallbacks)
			assert.True(t, c.Connected())
			assert.Equal(t, []string{"deleteStream"}, w.commandsOf(0)[asked:], "the name is another's")
		})
	})
}

// TestPipelinedStreamIsTaken checks that CreateStream takes the stream over if its options have the same meaning.
func TestPipelinedStreamIsTaken(t *testing.T) {
	for name, o := range map[string]*StreamOptions{
		"none": nil, "empty": {}, "the name": {Name: "name"}, "the start": {Seek: 7 * time.Second}, "no updates": {NoBufferUpdate: true},
		"the kind of what is not published": {PublishType: "record"},
	} {
		t.Run(name, func(t *testing.T) {
			withWary(t, new(wary), Options{Pipelining: PipelineCommands, Start: 7 * time.Second}, func(t *testing.T, w *wary, c *Conn) {
				asked := len(w.commandsOf(0))
				s, err := c.CreateStream(t.Context(), o)
				require.NoError(t, err)
				var p Packet
				require.NoError(t, s.ReadPacket(&p))
				assert.Equal(t, "picture", string(p.Body))
				assert.Len(t, w.commandsOf(0), asked)
				second, err := c.CreateStream(t.Context(), o)
				require.NoError(t, err)
				assert.EqualValues(t, 2, second.ID(), "it can be taken once")
			})
		})
	}
}

// TestPipelinedStreamFillsItsQueue checks that media of a stream that is not taken over is queued up to the limit, and that other waits
// then fail.
func TestPipelinedStreamFillsItsQueue(t *testing.T) {
	const packets = 20
	floods := func(g *guest, cmd *message.Command, id uint32) reaction {
		if cmd.Name == "play" {
			g.waiting = append(g.waiting, func() {
				for range packets {
					g.Send(chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 6, StreamID: 1, Body: make([]byte, 1000)})
				}
			})
			return drop
		}
		return serve
	}
	withWary(t, &wary{reacts: floods}, Options{Pipelining: PipelineHandshake, MaxQueue: 5000}, func(t *testing.T, w *wary, c *Conn) {
		_, err := c.RemoteMethod("echo")(t.Context())
		require.ErrorIs(t, err, ErrStreamBacklog)
		assert.LessOrEqual(t, c.Stats().QueuedBytes, 5000+1100)
		s, err := c.CreateStream(t.Context(), nil)
		require.NoError(t, err)
		for range packets {
			require.NoError(t, s.ReadPacket(new(Packet)))
		}
	})
	withWary(t, &wary{reacts: floods}, Options{Pipelining: PipelineHandshake, MaxQueue: 5000}, func(t *testing.T, w *wary, c *Conn) {
		_, err := c.RemoteMethod("echo")(t.Context())
		require.ErrorIs(t, err, ErrStreamBacklog)
		_, err = c.CreateStream(t.Context(), &StreamOptions{Name: "name", Seek: time.Second})
		require.Error(t, err, "a play that nobody answers")
		assert.NotErrorIs(t, err, ErrStreamBacklog)
		assert.Zero(t, c.Stats().QueuedBytes)
	})
}

// TestPipelinedStreamUpdatesItsBuffer checks that the buffer is raised only if the CreateStream that takes the stream over allows that.
func TestPipelinedStreamUpdatesItsBuffer(t *testing.T) {
	hasDuration := func(g *guest, cmd *message.Command, id uint32) reaction {
		if cmd.Name == "play" {
			g.waiting = append(g.waiting, func() {
				body, _ := message.AppendData(nil, message.TypeDataAMF0, "onMetaData", amf.ECMAArray{{Name: "duration", Value: 100.0}})
				g.Send(chunk.Outgoing{Type: uint8(message.TypeDataAMF0), ChunkStreamID: 4, StreamID: 1, Body: body})
				g.serve(cmd, id)
			})
			return drop
		}
		return serve
	}
	for _, keep := range []bool{false, true} {
		withWary(t, &wary{reacts: hasDuration}, Options{Pipelining: PipelineHandshake}, func(t *testing.T, w *wary, c *Conn) {
			s, err := c.CreateStream(t.Context(), &StreamOptions{NoBufferUpdate: keep})
			require.NoError(t, err)
			require.NoError(t, s.ReadPacket(new(Packet)))
			require.NoError(t, s.ReadPacket(new(Packet)))
			assert.Equal(t, 100*time.Second, s.Duration())
			require.NoError(t, s.Close()) // this also sends the reader's queued replies
			want := []uint32{30_000, 300, 105_000}
			if keep {
				want = want[:2]
			}
			w.commandsOf(0)
			assert.Equal(t, want, w.visitors()[0].buffers)
		})
	}
}

// TestRefusalsAreNotFallbacks checks that an orderly refusal of connect or of the stream is not treated as a failure of pipelining.
func TestRefusalsAreNotFallbacks(t *testing.T) {
	t.Run("connect", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWary(t, &wary{reacts: func(g *guest, cmd *message.Command, _ uint32) reaction {
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
			assert.Len(t, w.visitors(), 1)
			assert.Empty(t, c.client.Load().streams.all())
		})
	})
	t.Run("play", func(t *testing.T) {
		withWary(t, &wary{reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
			if cmd.Name != "play" || g.accepted {
				return serve
			}
			g.waiting = append(g.waiting, func() {
				g.Call(1, "onStatus", 0, nil, message.StatusObject("error", message.CodePlayStreamNotFound, "no such stream"))
			})
			return drop
		}}, Options{Pipelining: PipelineHandshake}, func(t *testing.T, w *wary, c *Conn) {
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

// TestPipeliningWithAServerThatAlwaysFails checks that the error of the last attempt is returned, in time, if no attempt succeeds.
func TestPipeliningWithAServerThatAlwaysFails(t *testing.T) {
	hopeless := map[string]*wary{
		"hangs up at connect": {reacts: func(*guest, *message.Command, uint32) reaction { return hangUp }},
		"is silent":           {reacts: func(*guest, *message.Command, uint32) reaction { return drop }},
		"hangs up early":      {opens: func(*handshake.Result) reaction { return hangUp }},
	}
	for name, w := range hopeless {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				newWary(t, w)
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
				assert.Len(t, w.visitors(), 4, "with less pipelining each time, and at last without Enhanced RTMP")
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

// TestPipelinedConnectIsGivenUp checks that Connect ends when its context is done and with Close, at any point.
func TestPipelinedConnectIsGivenUp(t *testing.T) {
	silent := func(*guest, *message.Command, uint32) reaction { return drop }
	for name, end := range map[string]func(c *Conn, cancel func()){
		"context": func(_ *Conn, cancel func()) { cancel() },
		"Close":   func(c *Conn, _ func()) { c.Close() },
	} {
		for at := time.Duration(0); at < 8*time.Second; at += 650 * time.Millisecond {
			t.Run(fmt.Sprint(name, " after ", at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWary(t, &wary{reacts: silent})
					defer w.close()
					c, err := New("rtmp://server/app/name", &Options{Pipelining: PipelineHandshake, DialContext: w.dial})
					require.NoError(t, err)
					defer c.Close()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					began := time.Now()
					time.AfterFunc(at, func() { end(c, cancel) })
					k, err := c.Connect(ctx)
					if err == nil { // the last attempt is without pipelining
						_, err = k.Result(ctx)
					}
					require.Error(t, err)
					assert.Equal(t, at, time.Since(began))
					if name == "Close" {
						assert.ErrorIs(t, err, net.ErrClosed)
						assert.ErrorIs(t, c.Err(), net.ErrClosed)
					} else {
						assert.ErrorIs(t, err, context.Canceled)
					}
				})
			})
		}
	}
}

// TestHandlersWaitForThePipelinedConnect checks that a handler can use the Conn even if the server calls before Connect has returned.
func TestHandlersWaitForThePipelinedConnect(t *testing.T) {
	calls := func(g *guest, cmd *message.Command, id uint32) reaction {
		if cmd.Name == "createStream" {
			g.waiting = append(g.waiting, func() {
				g.Call(0, "early", 0, nil)
				time.AfterFunc(createPatience/2, func() {
					g.Lock()
					defer g.Unlock()
					g.serve(cmd, id)
				})
			})
			return drop
		}
		return serve
	}
	called := make(chan error, 1)
	handlers := map[string]HandlerFunc{"early": func(ctx context.Context, _ []any) (any, error) {
		_, err := FromContext(ctx).CallWith(ctx, CallOptions{NoReply: true}, "back")
		called <- err
		return nil, nil
	}}
	synctest.Test(t, func(t *testing.T) {
		called = make(chan error, 1)
		w := newWary(t, &wary{reacts: calls})
		defer w.close()
		c, err := Dial(t.Context(), "rtmp://server/app/name", &Options{Pipelining: PipelineCommands, DialContext: w.dial, Handlers: handlers})
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, <-called)
		assert.Contains(t, w.commandsOf(0), "back")
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

// TestPipeliningWithAServerOfOneStream checks that a server that assigns message stream id 5, but sends everything on message stream 1, is
// tried again on a new connection.
func TestPipeliningWithAServerOfOneStream(t *testing.T) {
	for _, p := range pipelinings {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWary(t, &wary{firstID: 5, reacts: func(g *guest, cmd *message.Command, id uint32) reaction {
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
