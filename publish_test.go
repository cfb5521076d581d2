package rtmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// TestPublishSample checks that the server records the same file, whichever method of Stream writes it.
func TestPublishSample(t *testing.T) {
	want := rtmptest.SampleTags(t)
	pieces := func(size int) func(s *Stream) error {
		return func(s *Stream) error {
			for b := testserver.Sample; len(b) > 0; {
				n, err := s.Write(b[:min(size, len(b))])
				if err != nil {
					return err
				}
				b = b[n:]
			}
			return nil
		}
	}
	for name, publish := range map[string]func(s *Stream) error{
		"one byte at a time": pieces(1),
		"pieces":             pieces(1237),
		"at once":            pieces(len(testserver.Sample)),
		"io.Copy":            func(s *Stream) error { _, err := io.Copy(s, bytes.NewReader(testserver.Sample)); return err },
		"packets": func(s *Stream) error {
			for _, tag := range want {
				if err := s.WritePacket(&Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		for _, chunkSize := range []int{0, 128, 65536} {
			t.Run(fmt.Sprintf("%s, chunk size %d", name, chunkSize), func(t *testing.T) {
				server, recorded := rtmptest.Recorder(t, testserver.Config{})
				c, s := publishing(t, server.URL("live", "out"), &Options{Publish: true, ChunkSize: chunkSize})
				require.NoError(t, publish(s))
				require.NoError(t, s.Close())
				require.NoError(t, c.Close())
				require.ErrorIs(t, c.Err(), net.ErrClosed)
				assert.Equal(t, want, rtmptest.Tags(t, recorded("out")))
			})
		}
	}
}

// TestCloseLosesNothing checks that the last bytes of a large file arrive although acknowledgements arrive all the time.
func TestCloseLosesNothing(t *testing.T) {
	server, recorded := rtmptest.Recorder(t, testserver.Config{})
	c, s := publishing(t, server.URL("live", "out"), nil)
	const count, size = 20, 1 << 20
	for i := range count {
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(i * 40), Body: bytes.Repeat([]byte{0x27}, size)}))
	}
	require.NoError(t, c.Close()) // Close also closes the stream
	assert.Len(t, rtmptest.Tags(t, recorded("out")), count)
}

func TestPublishCommands(t *testing.T) {
	commands := make(chan *message.Command, 10)
	chunkSize := make(chan uint32, 1)
	url := newPeer(t, func(p *peer) {
		commands <- p.AcceptConnect()
		chunkSize <- binary.BigEndian.Uint32(p.ExpectType(message.TypeSetChunkSize))
		for _, name := range []string{"releaseStream", "FCPublish", "createStream"} {
			commands <- p.Expect(name)
		}
		p.Call(0, "_result", 4, nil, 1.0)
		commands <- p.Expect("publish")
		p.Status("NetStream.Publish.Start")
		commands <- p.Expect("FCUnpublish")
		commands <- p.Expect("deleteStream")
		p.UntilGone()
	})
	c := dialed(t, url, &Options{Publish: true, ChunkSize: 60_000})
	s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true, PublishType: "record"})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())

	assert.EqualValues(t, 60_000, <-chunkSize)
	connect := (<-commands).Object.(amf.Object)
	var names []string
	for _, p := range connect {
		names = append(names, p.Name)
	}
	assert.Equal(t, []string{"app", "type", "flashVer", "tcUrl"}, names[:4])
	kind, _ := connect.Get("type")
	assert.Equal(t, "nonprivate", kind)
	for _, want := range []message.Command{
		{Name: "releaseStream", TransactionID: 2, Args: []any{"play"}},
		{Name: "FCPublish", TransactionID: 3, Args: []any{"play"}},
		{Name: "createStream", TransactionID: 4, Args: []any{}},
		{Name: "publish", TransactionID: 5, Args: []any{"play", "record"}},
		{Name: "FCUnpublish", TransactionID: 6, Args: []any{"play"}},
		{Name: "deleteStream", TransactionID: 7, Args: []any{1.0}},
	} {
		assert.Equal(t, want, *<-commands)
	}
}

func TestPublishRefused(t *testing.T) {
	server := rtmptest.Server(t, testserver.Config{})
	first, _ := publishing(t, server.URL("live", "out"), nil)
	c := dialed(t, server.URL("live", "out"), nil)
	_, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
	var refused *StatusError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "NetStream.Publish.BadName", refused.Code)
	s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true, Name: "another"})
	require.NoError(t, err, "the connection lives")
	require.NoError(t, s.Close())
	require.NoError(t, first.Close())
}

// TestRefusedPublisherLeavesTheNameAlone checks that a refused publisher sends no command for the name, under which another client
// publishes.
func TestRefusedPublisherLeavesTheNameAlone(t *testing.T) {
	after := make(chan string, 1)
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.AcceptStream(1)
		p.Expect("publish")
		p.Status("NetStream.Publish.BadName")
		if cmd := p.NextCommand(); cmd != nil {
			after <- cmd.Name
		}
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	_, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
	require.ErrorContains(t, err, "BadName")
	assert.Equal(t, "deleteStream", <-after)
}

// TestPublisherIsServed checks that a Conn handles pings, statuses and the end of the connection while the program only writes.
func TestPublisherIsServed(t *testing.T) {
	ponged := make(chan []byte, 1)
	url := accepting(t, func(p *peer) {
		p.Send(peertest.Event(message.EventPingRequest, 77))
		ponged <- p.ExpectType(message.TypeUserControl)
		p.Status("NetStream.Publish.Denied")
		p.UntilGone()
	})
	told := make(chan *StatusError, 4)
	c, s := publishing(t, url, &Options{OnStatus: func(_ *Stream, status *StatusError) { told <- status }})
	assert.Equal(t, message.AppendUserControl(nil, message.EventPingResponse, 77), <-ponged)
	assert.Equal(t, "NetStream.Publish.Start", (<-told).Code)
	assert.Equal(t, "NetStream.Publish.Denied", (<-told).Code)
	var refused *StatusError
	_, err := s.Write(flv.AppendTag(nil, sent[0]))
	require.ErrorAs(t, err, &refused)
	require.ErrorAs(t, s.WritePacket(&Packet{Type: message.TypeAudio, Body: []byte{1}}), &refused)
	require.ErrorAs(t, s.Close(), &refused)
	require.NoError(t, c.Err())
}

// TestPingsAreAnsweredOnce checks that replies that were sent between writes are not sent again by the next Write.
func TestPingsAreAnsweredOnce(t *testing.T) {
	got := make(chan []message.Type, 1)
	ponged := make(chan struct{})
	url := accepting(t, func(p *peer) {
		p.Send(peertest.Event(message.EventPingRequest, 77))
		p.ExpectType(message.TypeUserControl)
		close(ponged)
		var types []message.Type
		for m := (chunk.Message{}); !slices.Contains(types, message.TypeVideo) && p.In.Next(&m) == nil; {
			types = append(types, message.Type(m.Type))
		}
		got <- types
		p.UntilGone()
	})
	_, s := publishing(t, url, nil)
	<-ponged
	_, err := s.Write(large)
	require.NoError(t, err)
	assert.Equal(t, []message.Type{message.TypeVideo}, <-got)
}

func TestPublishingConnectionLost(t *testing.T) {
	for name, end := range map[string]func(p *peer){
		"closed": func(p *peer) { p.Conn.Close() },
		"reset":  func(p *peer) { p.Conn.(*net.TCPConn).SetLinger(0); p.Conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c, s := publishing(t, accepting(t, func(p *peer) {
				p.Conn.Read(make([]byte, 1)) // wait for the first byte of the first tag, since a reset would overtake Publish.Start
				end(p)
			}), nil)
			require.ErrorIs(t, blocked(s), io.ErrUnexpectedEOF)
			require.ErrorIs(t, c.Err(), io.ErrUnexpectedEOF)
			require.ErrorIs(t, s.WritePacket(&Packet{Type: message.TypeAudio}), io.ErrUnexpectedEOF)
			require.Error(t, s.Close())
		})
	}
}

func TestCallWhilePublishing(t *testing.T) {
	server := rtmptest.Server(t, testserver.Config{Handlers: rtmptest.Echo})
	c, s := publishing(t, server.URL("live", "out"), nil)
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := s.Write(large); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	calls := 10
	if long() {
		calls = 100
	}
	for i := range calls {
		got, err := c.RemoteMethod("echo")(context.Background(), i)
		require.NoError(t, err)
		require.Equal(t, float64(i), got)
	}
	close(stop)
	writing.Wait()
	require.NoError(t, c.Close())
}

// TestPublishingAsAPlayerIsNoticed checks that the log and the error mention a missing Options.Publish, since some servers must learn from
// connect that a client publishes.
func TestPublishingAsAPlayerIsNoticed(t *testing.T) {
	for want, o := range map[bool]Options{true: {}, false: {Publish: true}} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			ctx, c := piped(t, o, func(p *peer) { p.AcceptConnect(); p.UntilGone() })
			_, err := c.Connect(ctx)
			require.NoError(t, err)
			_, err = c.CreateStream(ctx, &StreamOptions{Writable: true})
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			assert.Equal(t, want, strings.Contains(err.Error(), "Options.Publish"), err)
			assert.Equal(t, want, strings.Contains(log.String(), "Options.Publish"), log.String())
			require.NoError(t, c.Close())
		})
	}
}

// TestRefusalJustAfterTheStart checks that a refusal that arrives directly after NetStream.Publish.Start, before CreateStream has returned, ends
// the stream: for instance, another publisher has taken over.
func TestRefusalJustAfterTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := pipedPublisher(t, Options{}, func(p *peer) { p.UntilGone() })
		r, err := s.expect(&message.Command{Name: "publish"}, true, message.CodePublishStart)
		require.NoError(t, err)
		defer r.end()
		s.statusReceived(&StatusError{Level: "status", Code: message.CodePublishStart})
		s.statusReceived(&StatusError{Level: "error", Code: message.CodePublishBadName})
		require.NoError(t, r.await(t.Context()))
		var refused *StatusError
		require.ErrorAs(t, s.WritePacket(&Packet{Type: message.TypeAudio, Body: []byte{0xAF}}), &refused)
		assert.Equal(t, message.CodePublishBadName, refused.Code)
	})
}
