package rtmp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func long() bool { return os.Getenv("RTMP_LONG") != "" }

// pushes are the ways to publish a file as fast as possible.
var pushes = []func(s *Stream, file []byte) error{
	func(s *Stream, file []byte) error {
		_, err := s.ReadFrom(bytes.NewReader(file))
		return err
	},
	func(s *Stream, file []byte) error {
		_, err := s.Write(file)
		return err
	},
	func(s *Stream, file []byte) error {
		r := flv.NewReader(bytes.NewReader(file))
		for {
			var tag flv.Tag
			if err := r.Next(&tag); err != nil {
				if err == io.EOF {
					return nil
				}
				return err
			}
			if err := s.WritePacket(&Packet{Type: message.Type(tag.Type), Timestamp: tag.Timestamp, Body: tag.Body}); err != nil {
				return err
			}
		}
	},
}

// TestTailArrives checks that media that is sent as fast as possible arrives to the last byte, although the client closes at once. Closing
// a socket with unread acknowledgements would discard the last bytes.
func TestTailArrives(t *testing.T) {
	size, times := 10<<20, 3 // more than the buffers of the sockets
	if long() {
		size, times = 20<<20, 100
	}
	file := rtmptest.File(rtmptest.RepeatedSample(t, size/len(testserver.Sample)+1)...)
	push := func(t *testing.T, scheme string, n int) {
		server, recorded := rtmptest.Recorder(t, testserver.Config{Scheme: scheme, WindowAckSize: 10_000})
		c, s := publishing(t, server.URL("live", "out"), &Options{TLSConfig: testserver.ClientTLS()})
		require.NoError(t, pushes[n%len(pushes)](s, file))
		require.NoError(t, c.Close())
		got := recorded("out")
		assert.True(t, bytes.Equal(file, got), "%d bytes of %d", len(got), len(file))
	}
	for i := range times {
		t.Run(fmt.Sprint(i), func(t *testing.T) { push(t, "rtmp", i) })
	}
	for i, scheme := range []string{"rtmps", "rtmpe", "rtmpt"} {
		t.Run(scheme, func(t *testing.T) { push(t, scheme, i) })
	}
}

// hugeCount returns how many messages of hugeSize bytes are sent. With RTMP_LONG=1, they have more than 2^32 bytes in total.
func hugeCount() int {
	if long() {
		return 4608
	}
	return 8
}

const hugeSize = 1 << 20

func TestPublishMoreThan4GB(t *testing.T) {
	count, received := hugeCount(), 0
	server := rtmptest.Server(t, testserver.Config{OnMessage: func(_ *testserver.Session, m *chunk.Message) {
		if message.Type(m.Type) != message.TypeVideo {
			return
		}
		want := uint32(received)
		if m.Len() != hugeSize || m.Timestamp != 40*want || binary.BigEndian.Uint32(m.Body()[1:]) != want {
			t.Errorf("message %d: %d bytes at %d ms", received, m.Len(), m.Timestamp)
		}
		received++
	}})
	c, s := publishing(t, server.URL("live", "out"), nil)
	body := make([]byte, hugeSize)
	body[0] = 0x27
	tag := make([]byte, 0, hugeSize+100)
	for i := range uint32(count) {
		binary.BigEndian.PutUint32(body[1:], i)
		tag = flv.AppendTag(tag[:0], flv.Tag{Type: flv.TagVideo, Timestamp: 40 * i, Body: body})
		_, err := s.Write(tag)
		require.NoError(t, err)
	}
	require.NoError(t, c.Close())
	server.Close()
	assert.Equal(t, count, received)
	stats, sent := c.Stats(), uint64(count)*hugeSize
	assert.Equal(t, long(), stats.BytesWritten > 1<<32)
	assert.Greater(t, stats.BytesWritten, sent)
	assert.Less(t, stats.BytesWritten, sent+sent/1000+10_000, "a header of a byte for 4096 bytes")
	const window = 2_500_000 // window of the server, which acknowledges when half of it is full
	assert.Greater(t, stats.Messages, sent/window, "acknowledgements")
}

func TestPlayMoreThan4GB(t *testing.T) {
	count := hugeCount()
	last := make(chan uint64, 1) // the last acknowledgement
	url := newPeer(t, func(p *peer) {
		p.Conn.SetDeadline(time.Now().Add(10 * time.Minute))
		p.AcceptPlayer()
		p.Control(message.TypeSetChunkSize, binary.BigEndian.AppendUint32(nil, 64<<10))
		var reading sync.WaitGroup
		reading.Go(func() {
			acknowledged := uint64(0)
			defer func() { last <- acknowledged }()
			for body := p.ExpectType(message.TypeAcknowledgement); body != nil; body = p.ExpectType(message.TypeAcknowledgement) {
				acknowledged += uint64(binary.BigEndian.Uint32(body) - uint32(acknowledged)) // modulo 2^32
			}
		})
		body := make([]byte, hugeSize)
		for i := range 2 {
			p.Media(message.TypeVideo, uint32(40*i), body)
		}
		again := p.Encode(chunk.Outgoing{Type: uint8(message.TypeVideo), ChunkStreamID: 6, StreamID: 1, Timestamp: 80,
			Format: chunk.Format3, Body: body}) // the same type and size, and 40 ms later, so that the header has no other fields
		for range count - 2 {
			p.Conn.Write(again)
		}
		p.Status("NetStream.Play.Stop")
		reading.Wait()
	})
	c, s := playing(t, url, nil)
	var packet Packet
	for i := range count {
		require.NoError(t, s.ReadPacket(&packet))
		require.Len(t, packet.Body, hugeSize)
		require.Equal(t, uint32(40*i), packet.Timestamp)
	}
	require.ErrorIs(t, s.ReadPacket(&packet), io.EOF)
	stats := c.Stats()
	assert.Equal(t, long(), stats.BytesRead > 1<<32)
	_, err := c.Call(conntest.Context(t), "flush") // this also sends the last acknowledgement
	require.NoError(t, err)
	require.NoError(t, c.Close())
	acknowledged := <-last
	assert.LessOrEqual(t, acknowledged, stats.BytesRead)
	assert.Less(t, stats.BytesRead-acknowledged, uint64(session.DefaultWindow))
}

// TestPingFloodOverEveryTransport checks that many pings do not block a publisher, whether or not the server reads meanwhile. Every ping
// is answered or counted as unanswered.
func TestPingFloodOverEveryTransport(t *testing.T) {
	const batch = 1000
	ping := peertest.Event(message.EventPingRequest, 7)
	for _, reads := range []bool{true, false} {
		overEveryTransport(t, func(t *testing.T, scheme string, o *Options) {
			pings := 20_000
			if scheme == "rtmp" && !reads || long() {
				pings = 200_000 // more than the buffers of the sockets can hold
			}
			flooded := make(chan struct{})
			var flooding sync.WaitGroup
			flood := func(s *testserver.Session) {
				defer close(flooded)
				for range pings / batch {
					if !assert.NoError(t, s.Send(slices.Repeat([]chunk.Outgoing{ping}, batch)...)) {
						return
					}
				}
			}
			begun, pongs := false, 0 // used only by the goroutine of the session
			cfg := testserver.Config{Scheme: scheme, OnMessage: func(s *testserver.Session, m *chunk.Message) {
				switch message.Type(m.Type) {
				case message.TypeUserControl:
					if u, err := message.ParseUserControl(m.Body()); err == nil && u.Event == message.EventPingResponse {
						pongs++
					}
				case message.TypeVideo:
					if !begun && reads {
						flooding.Go(func() { flood(s) })
					} else if !begun {
						flood(s)
					}
					begun = true
				}
			}}
			cfg.Handlers = map[string]func(*testserver.Session, message.Command) (any, error){
				"done": func(*testserver.Session, message.Command) (any, error) { return nil, nil }}
			server := rtmptest.Server(t, cfg)
			c, s := publishing(t, server.URL("live", "out"), o)
			for more := true; more; {
				_, err := s.Write(large)
				require.NoError(t, err)
				select {
				case <-flooded:
					more = false
				default:
				}
			}
			_, err := c.RemoteMethod("done")(conntest.Context(t)) // the answer arrives after the pings
			require.NoError(t, err)
			_, err = s.Write(large) // sent after the answers to the pings
			require.NoError(t, err)
			require.NoError(t, c.Close())
			flooding.Wait()
			server.Close()
			assert.Positive(t, pongs)
			assert.Equal(t, pings, pongs+int(c.Stats().UnansweredPings))
		})
	}
}
