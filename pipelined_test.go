package rtmp

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

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
				withStrictServer(t, new(strictServer), o, func(t *testing.T, w *strictServer, c *Conn) {
					_, err := c.CreateStream(t.Context(), &StreamOptions{Writable: o.Publish})
					require.NoError(t, err)
					assert.Equal(t, tt.want, w.commandsOf(0))
				})
			})
		}
	}
}

// TestPipelinedStreamThatIsNotTaken checks that a pipelined stream is closed if CreateStream asks for another one or is not called.
func TestPipelinedStreamThatIsNotTaken(t *testing.T) {
	farewell := map[bool][]string{false: {"deleteStream"}, true: {"FCUnpublish", "deleteStream"}}
	for _, p := range pipelinings[1:] {
		for _, publish := range []bool{false, true} {
			t.Run(fmt.Sprint(p.name, ", closed, publishing: ", publish), func(t *testing.T) {
				withStrictServer(t, new(strictServer), Options{Pipelining: p.Pipelining, Publish: publish}, func(t *testing.T, w *strictServer, c *Conn) {
					asked := len(w.commandsOf(0))
					require.NoError(t, c.Close())
					assert.Equal(t, farewell[publish], w.commandsOf(0)[asked:])
				})
			})
			t.Run(fmt.Sprint(p.name, ", another is wanted, publishing: ", publish), func(t *testing.T) {
				withStrictServer(t, new(strictServer), Options{Pipelining: p.Pipelining, Publish: publish}, func(t *testing.T, w *strictServer, c *Conn) {
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
		refuses := func(g *strictConn, cmd *message.Command, id uint32) reaction {
			if cmd.Name != "publish" {
				return serve
			}
			g.waiting = append(g.waiting, func() {
				g.Call(1, "onStatus", 0, nil, message.StatusObject("error", message.CodePublishBadName, "another's"))
			})
			return drop
		}
		withStrictServer(t, &strictServer{reacts: refuses}, Options{Pipelining: PipelineHandshake, Publish: true}, func(t *testing.T, w *strictServer, c *Conn) {
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

func TestPipelinedStreamIsTaken(t *testing.T) {
	for name, o := range map[string]*StreamOptions{
		"none": nil, "empty": {}, "the name": {Name: "name"}, "the start": {Seek: 7 * time.Second}, "no updates": {NoBufferUpdate: true},
		"the kind of what is not published": {PublishType: "record"},
	} {
		t.Run(name, func(t *testing.T) {
			withStrictServer(t, new(strictServer), Options{Pipelining: PipelineCommands, Start: 7 * time.Second}, func(t *testing.T, w *strictServer, c *Conn) {
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

// TestPipelinedStreamFillsItsQueue checks that media of a pipelined stream is queued up to the limit before CreateStream is called, and
// that other calls that wait then fail.
func TestPipelinedStreamFillsItsQueue(t *testing.T) {
	const packets = 20
	floods := func(g *strictConn, cmd *message.Command, id uint32) reaction {
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
	withStrictServer(t, &strictServer{reacts: floods}, Options{Pipelining: PipelineHandshake, MaxQueue: 5000}, func(t *testing.T, w *strictServer, c *Conn) {
		_, err := c.RemoteMethod("echo")(t.Context())
		require.ErrorIs(t, err, ErrStreamBacklog)
		assert.LessOrEqual(t, c.Stats().QueuedBytes, 5000+1100)
		s, err := c.CreateStream(t.Context(), nil)
		require.NoError(t, err)
		for range packets {
			require.NoError(t, s.ReadPacket(new(Packet)))
		}
	})
	withStrictServer(t, &strictServer{reacts: floods}, Options{Pipelining: PipelineHandshake, MaxQueue: 5000}, func(t *testing.T, w *strictServer, c *Conn) {
		_, err := c.RemoteMethod("echo")(t.Context())
		require.ErrorIs(t, err, ErrStreamBacklog)
		_, err = c.CreateStream(t.Context(), &StreamOptions{Name: "name", Seek: time.Second})
		require.Error(t, err, "a play that nobody answers")
		assert.NotErrorIs(t, err, ErrStreamBacklog)
		assert.Zero(t, c.Stats().QueuedBytes)
	})
}

// TestPipelinedStreamUpdatesItsBuffer checks that the buffer is raised only if the options of CreateStream allow that.
func TestPipelinedStreamUpdatesItsBuffer(t *testing.T) {
	hasDuration := func(g *strictConn, cmd *message.Command, id uint32) reaction {
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
		withStrictServer(t, &strictServer{reacts: hasDuration}, Options{Pipelining: PipelineHandshake}, func(t *testing.T, w *strictServer, c *Conn) {
			s, err := c.CreateStream(t.Context(), &StreamOptions{NoBufferUpdate: keep})
			require.NoError(t, err)
			require.NoError(t, s.ReadPacket(new(Packet)))
			require.NoError(t, s.ReadPacket(new(Packet)))
			assert.Equal(t, 100*time.Second, s.Duration())
			require.NoError(t, s.Close())     // this also sends the reader's queued replies
			want := []uint32{30_000, 105_000} // nginx-rtmp has one buffer length for all streams, so nothing shorter may follow the first
			if keep {
				want = want[:1]
			}
			w.commandsOf(0)
			assert.Equal(t, want, w.connections()[0].buffers)
		})
	}
}

// TestPipelinedConnectIsGivenUp checks that a cancelled context and Close end Connect at every point.
func TestPipelinedConnectIsGivenUp(t *testing.T) {
	silent := func(*strictConn, *message.Command, uint32) reaction { return drop }
	for name, end := range map[string]func(c *Conn, cancel func()){
		"context": func(_ *Conn, cancel func()) { cancel() },
		"Close":   func(c *Conn, _ func()) { c.Close() },
	} {
		for at := time.Duration(0); at < 8*time.Second; at += 650 * time.Millisecond {
			t.Run(fmt.Sprint(name, " after ", at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newStrictServer(t, &strictServer{reacts: silent})
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
	calls := func(g *strictConn, cmd *message.Command, id uint32) reaction {
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
		w := newStrictServer(t, &strictServer{reacts: calls})
		defer w.close()
		c, err := Dial(t.Context(), "rtmp://server/app/name", &Options{Pipelining: PipelineCommands, DialContext: w.dial, Handlers: handlers})
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, <-called)
		assert.Contains(t, w.commandsOf(0), "back")
	})
}
