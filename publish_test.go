package rtmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

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

// publishing connects and opens a stream to be written.
func publishing(t *testing.T, url string, o *Options) (*Conn, *Stream) {
	t.Helper()
	c := dialed(t, url, o)
	s, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
	require.NoError(t, err)
	return c, s
}

// However the file is given, the server records the same.
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
			t.Run(name, func(t *testing.T) {
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

// The tail of a large push is not lost, although acknowledgements come all the time.
func TestCloseLosesNothing(t *testing.T) {
	server, recorded := rtmptest.Recorder(t, testserver.Config{})
	c, s := publishing(t, server.URL("live", "out"), nil)
	const count, size = 20, 1 << 20
	for i := range count {
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(i * 40), Body: bytes.Repeat([]byte{0x27}, size)}))
	}
	require.NoError(t, c.Close()) // closes the stream as well
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

// Nothing is said about the name of a stream that another publishes.
func TestRefusedPublisherLeavesTheNameAlone(t *testing.T) {
	after := make(chan string, 1)
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		p.AcceptStream(1)
		p.Expect("publish")
		p.Call(1, "onStatus", 0, nil, message.StatusObject("error", "NetStream.Publish.BadName", "taken"))
		if cmd, err := message.ParseCommand(message.TypeCommandAMF0, p.ExpectType(message.TypeCommandAMF0)); err == nil {
			after <- cmd.Name
		}
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	_, err := c.CreateStream(conntest.Context(t), &StreamOptions{Writable: true})
	require.ErrorContains(t, err, "BadName")
	assert.Equal(t, "deleteStream", <-after)
}

// accepting is a server that accepts to be published to, and goes on with then.
func accepting(t *testing.T, then func(p *peer)) string {
	return newPeer(t, func(p *peer) {
		p.AcceptPublisher()
		then(p)
	})
}

func TestMetadataIsSetDataFrame(t *testing.T) {
	got := make(chan []byte, 4)
	url := accepting(t, func(p *peer) {
		for range 3 {
			got <- p.ExpectType(message.TypeDataAMF0)
		}
		p.UntilGone()
	})
	_, s := publishing(t, url, nil)
	data := func(values ...any) []byte {
		b, err := amf.AppendAMF0(nil, values...)
		require.NoError(t, err)
		return b
	}
	meta := amf.ECMAArray{{Name: "width", Value: 320.0}}
	for _, body := range [][]byte{data("onMetaData", meta), data("@setDataFrame", "onMetaData", meta), data("onTextData", "x")} {
		_, err := s.Write(flv.AppendTag(nil, flv.Tag{Type: flv.TagScript, Body: body}))
		require.NoError(t, err)
	}
	assert.Equal(t, data("@setDataFrame", "onMetaData", meta), <-got)
	assert.Equal(t, data("@setDataFrame", "onMetaData", meta), <-got)
	assert.Equal(t, data("onTextData", "x"), <-got)
}

// Pings, status and the end of the connection reach a program that only writes.
func TestPublisherIsServed(t *testing.T) {
	ponged := make(chan []byte, 1)
	url := accepting(t, func(p *peer) {
		p.Send(peertest.Event(message.EventPingRequest, 77))
		ponged <- p.ExpectType(message.TypeUserControl)
		p.Call(1, "onStatus", 0, nil, message.StatusObject("error", "NetStream.Publish.Denied", "quota"))
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

// What was answered while nobody wrote is not said again by the next Write.
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

// deaf accepts to be published to and then reads nothing until the test is over.
func deaf(t *testing.T) string {
	over := make(chan struct{})
	url := accepting(t, func(*peer) { <-over })
	t.Cleanup(func() { close(over) }) // before accepting's own
	return url
}

var large = flv.AppendTag(nil, flv.Tag{Type: flv.TagVideo, Body: make([]byte, 1<<20)})

// blocked writes until the network takes no more and returns the error.
func blocked(s *Stream) error {
	for range 100 {
		if _, err := s.Write(large); err != nil {
			return err
		}
	}
	return errors.New("100 MB went to a server that does not read")
}

// untilStuck waits until c writes and the network has taken nothing for a second.
func untilStuck(t *testing.T, c *Conn) {
	t.Helper()
	last, same := uint64(0), 0
	require.Eventually(t, func() bool {
		now := c.Stats().BytesWritten
		if same++; now != last {
			last, same = now, 0
		}
		return last > 100_000 && same >= 20
	}, 20*time.Second, 50*time.Millisecond)
}

func TestWriteBlocks(t *testing.T) {
	t.Run("until the deadline", func(t *testing.T) {
		_, s := publishing(t, deaf(t), &Options{Timeout: 2 * time.Second})
		require.NoError(t, s.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
		require.ErrorIs(t, blocked(s), os.ErrDeadlineExceeded)
	})
	t.Run("until a deadline set meanwhile", func(t *testing.T) {
		c, s := publishing(t, deaf(t), nil)
		failed := make(chan error, 1)
		go func() { failed <- blocked(s) }()
		require.NoError(t, s.SetWriteDeadline(time.Now().Add(time.Hour)))
		untilStuck(t, c)
		require.NoError(t, s.SetWriteDeadline(time.Now()))
		require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
		require.ErrorIs(t, c.Err(), os.ErrDeadlineExceeded, "half a chunk is out")
		require.ErrorIs(t, s.Close(), os.ErrDeadlineExceeded)
	})
	t.Run("until the timeout", func(t *testing.T) {
		c, s := publishing(t, deaf(t), &Options{Timeout: 100 * time.Millisecond})
		require.ErrorIs(t, blocked(s), os.ErrDeadlineExceeded)
		require.ErrorIs(t, c.Err(), os.ErrDeadlineExceeded)
	})
	t.Run("until Close", func(t *testing.T) {
		c, s := publishing(t, deaf(t), nil)
		failed := make(chan error, 1)
		go func() { failed <- blocked(s) }()
		untilStuck(t, c)
		require.ErrorIs(t, s.Close(), os.ErrDeadlineExceeded, "nothing moves for a second")
		require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
	})
	t.Run("until Conn.Close", func(t *testing.T) {
		c, s := publishing(t, deaf(t), nil)
		failed := make(chan error, 1)
		go func() { failed <- blocked(s) }()
		untilStuck(t, c)
		require.ErrorIs(t, c.Close(), os.ErrDeadlineExceeded, "something was lost")
		require.ErrorIs(t, <-failed, os.ErrDeadlineExceeded)
	})
	t.Run("packets too", func(t *testing.T) {
		_, s := publishing(t, deaf(t), &Options{Timeout: 2 * time.Second})
		require.NoError(t, s.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
		err := error(nil)
		for i := 0; err == nil && i < 100; i++ {
			err = s.WritePacket(&Packet{Type: message.TypeVideo, Body: large})
		}
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
	t.Run("not behind a ping flood", func(t *testing.T) {
		flooded := make(chan struct{})
		url := accepting(t, func(p *peer) {
			ping := p.Encode(peertest.Event(message.EventPingRequest, 1))
			p.Conn.Write(bytes.Repeat(ping, 200_000))
			close(flooded)
			p.UntilGone()
		})
		_, s := publishing(t, url, nil)
		for more := true; more; {
			_, err := s.Write(large)
			require.NoError(t, err)
			select {
			case <-flooded:
				more = false
			default:
			}
		}
	})
}

func TestPublishingConnectionLost(t *testing.T) {
	for name, end := range map[string]func(p *peer){
		"closed": func(p *peer) { p.Conn.Close() },
		"reset":  func(p *peer) { p.Conn.(*net.TCPConn).SetLinger(0); p.Conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c, s := publishing(t, accepting(t, func(p *peer) {
				p.Conn.Read(make([]byte, 1)) // of the first tag: a reset would overtake Publish.Start
				end(p)
			}), nil)
			require.ErrorIs(t, blocked(s), io.ErrUnexpectedEOF)
			require.ErrorIs(t, c.Err(), io.ErrUnexpectedEOF)
			require.ErrorIs(t, s.WritePacket(&Packet{Type: message.TypeAudio}), io.ErrUnexpectedEOF)
			require.Error(t, s.Close())
		})
	}
}

func TestWriteRefusesOtherThings(t *testing.T) {
	_, s := publishing(t, accepting(t, (*peer).UntilGone), nil)
	_, err := s.Write([]byte("this is no FLV at all"))
	var bad *flv.Error
	require.ErrorAs(t, err, &bad)
	require.ErrorContains(t, s.WritePacket(&Packet{Type: message.TypeCommandAMF0}), "no media")
	var tooLong *chunk.Error
	require.ErrorAs(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: make([]byte, 1<<24)}), &tooLong)
	_, err = s.Read(make([]byte, 10))
	require.ErrorContains(t, err, "publishing")

	_, s = playing(t, newPeer(t, func(p *peer) { p.AcceptPlayer(); p.UntilGone() }), nil)
	_, err = s.Write(large)
	require.ErrorIs(t, err, ErrNotWritable)
	_, err = s.ReadFrom(nil)
	require.ErrorIs(t, err, ErrNotWritable)
	require.ErrorIs(t, s.WritePacket(&Packet{}), ErrNotWritable)
	require.ErrorIs(t, s.SetWriteDeadline(time.Time{}), ErrNotWritable)
}

func TestReadFromCutFile(t *testing.T) {
	server, recorded := rtmptest.Recorder(t, testserver.Config{})
	c, s := publishing(t, server.URL("live", "out"), nil)
	_, err := s.ReadFrom(bytes.NewReader(testserver.Sample[:100_000]))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, c.Close())
	all := rtmptest.SampleTags(t)
	got := rtmptest.Tags(t, recorded("out"))
	assert.Equal(t, all[:len(got)], got)
	assert.Greater(t, len(got), 100)
}

// With a send queue nobody waits: what is dropped is dropped such that the rest can be shown.
func TestSendQueueDrops(t *testing.T) {
	read := make(chan struct{})
	var mu sync.Mutex
	var got []flv.Tag
	url := accepting(t, func(p *peer) {
		<-read
		for {
			var m chunk.Message
			if p.In.Next(&m) != nil {
				return
			}
			if message.Type(m.Type).Media() {
				mu.Lock()
				got = append(got, flv.Tag{Type: flv.TagType(m.Type), Timestamp: m.Timestamp, Body: bytes.Clone(m.Body())})
				mu.Unlock()
			}
		}
	})
	c, s := publishing(t, url, &Options{SendQueue: 1 << 20})
	header := []byte{0x17, 0, 0, 0, 0}
	require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Body: header}))
	const pictures = 3000
	second, err := flv.AppendVideoHeader(nil, flv.VideoHeader{Enhanced: true, FrameType: flv.FrameInter, FourCC: flv.FourCCHEVC,
		PacketType: flv.VideoCodedFramesX, Multitrack: true, TrackID: 1})
	require.NoError(t, err)
	for i := range pictures { // 120 MB in 2 minutes, on each of two tracks a key frame every 2 seconds, with sound
		body, other := make([]byte, 20_000), append(slices.Clip(second), make([]byte, 20_000)...)
		body[0], body[1] = 0x27, 1
		if i%50 == 0 {
			body[0] = 0x17
		}
		if i%50 == 25 || i == 0 {
			other[0] ^= 0x30
		}
		for _, video := range [][]byte{body, other} {
			require.NoError(t, s.WritePacket(&Packet{Type: message.TypeVideo, Timestamp: uint32(40 * i), Body: video}))
		}
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeAudio, Timestamp: uint32(40 * i), Body: []byte{0xAF, 1}}))
	}
	stats := c.Stats()
	assert.LessOrEqual(t, stats.SendQueueBytes, 1<<20+100_000)
	assert.Positive(t, stats.DroppedMessages)
	close(read)
	require.NoError(t, s.Close())
	require.NoError(t, c.Close())
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, header, got[0].Body)
	assert.Equal(t, int(stats.DroppedMessages), 1+3*pictures-len(got))
	var last uint32
	next := [2]int64{-1, -1} // when the picture comes that can be decoded after the latest of the track
	seen := [2]int{}
	for _, tag := range got[1:] {
		require.GreaterOrEqual(t, tag.Timestamp, last)
		last = tag.Timestamp
		if tag.Type != flv.TagVideo {
			continue
		}
		h, err := flv.ParseVideoHeader(tag.Body)
		require.NoError(t, err)
		if !h.IsKeyFrame() {
			require.EqualValues(t, next[h.TrackID], tag.Timestamp, "a picture of track %d whose reference was dropped", h.TrackID)
		}
		next[h.TrackID] = int64(tag.Timestamp) + 40
		seen[h.TrackID]++
	}
	assert.Greater(t, min(seen[0], seen[1]), 20)
	assert.GreaterOrEqual(t, last, uint32(40*(pictures-50)), "the newest is there, or what follows the newest key frame was dropped")
}

// What is never dropped for its meaning is dropped when there is far too much of it.
func TestSendQueueIsBounded(t *testing.T) {
	c, s := publishing(t, deaf(t), &Options{SendQueue: 1 << 20, Timeout: time.Second})
	for range 2000 {
		require.NoError(t, s.WritePacket(&Packet{Type: message.TypeDataAMF0, Body: make([]byte, 10_000)}))
	}
	stats := c.Stats()
	assert.LessOrEqual(t, stats.SendQueueBytes, 2<<20+100_000)
	assert.Positive(t, stats.DroppedMessages)
}

// Nothing is allocated for a tag.
func TestWriteAllocatesNothing(t *testing.T) {
	url := accepting(t, func(p *peer) { io.Copy(io.Discard, p.Conn) })
	_, s := publishing(t, url, nil)
	b := flv.AppendTag(flv.AppendTag(nil, sent[2]), sent[3])
	allocs := testing.AllocsPerRun(200, func() {
		if _, err := s.Write(b); err != nil {
			t.Error(err)
		}
	})
	assert.LessOrEqual(t, allocs, 1.0)
	p := &Packet{Type: message.TypeVideo, Body: sent[2].Body}
	allocs = testing.AllocsPerRun(200, func() {
		if err := s.WritePacket(p); err != nil {
			t.Error(err)
		}
	})
	assert.LessOrEqual(t, allocs, 1.0)
}

// Calls go on in both directions while a stream is published.
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
	for i := range 50 {
		got, err := c.RemoteMethod("echo")(context.Background(), i)
		require.NoError(t, err)
		require.Equal(t, float64(i), got)
	}
	close(stop)
	writing.Wait()
	require.NoError(t, c.Close())
}

// What WritePacket has taken leaves, whatever happens to the write deadline meanwhile.
func TestWriteDeadlineSparesTheSender(t *testing.T) {
	got := make(chan []byte, 1)
	c, s := publishing(t, accepting(t, func(p *peer) { got <- p.ExpectType(message.TypeAudio); p.UntilGone() }), nil)
	another, err := c.client.Load().session.Begin(nil) // writes
	require.NoError(t, err)
	require.NoError(t, s.WritePacket(&Packet{Type: message.TypeAudio, Body: []byte{0xAF, 1}}))
	require.Eventually(t, func() bool {
		return s.sending.Waiting() == 0
	}, 10*time.Second, time.Millisecond, "the sender has it")
	require.NoError(t, s.SetWriteDeadline(time.Unix(1, 0)))
	assert.Never(t, func() bool {
		select {
		case <-s.sending.Ended():
			return true
		default:
			return false
		}
	}, 50*time.Millisecond, time.Millisecond)
	require.NoError(t, another.End(nil))
	require.NoError(t, s.SetWriteDeadline(time.Time{}))
	require.NoError(t, s.Close())
	require.Equal(t, []byte{0xAF, 1}, <-got)
}
