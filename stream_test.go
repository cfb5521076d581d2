package rtmp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

func TestSeveralStreams(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptConnect()
		for id := uint32(1); id <= 2; id++ {
			p.AcceptStream(id)
			p.Expect("play")
			p.StatusOn(id, "NetStream.Play.Start")
		}
		for i := range 50 {
			o := Packet{Type: message.TypeAudio, StreamID: uint32(1 + i%2), Timestamp: uint32(i), Body: []byte{byte(i)}}
			p.Send(session.EncodePacket(&o))
		}
		for id := uint32(1); id <= 2; id++ {
			p.StatusOn(id, "NetStream.Play.Stop")
		}
		p.UntilGone()
	})
	c := dialed(t, url, nil)
	var readers sync.WaitGroup
	var streams []*Stream
	for range 2 {
		s, err := c.CreateStream(conntest.Context(t), nil)
		require.NoError(t, err)
		streams = append(streams, s)
	}
	for i, s := range streams {
		readers.Go(func() {
			var p Packet
			for next := i; ; next += 2 {
				if err := s.ReadPacket(&p); err != nil {
					assert.ErrorIs(t, err, io.EOF)
					assert.GreaterOrEqual(t, next, 50)
					return
				}
				assert.Equal(t, []byte{byte(next)}, p.Body)
			}
		})
	}
	readers.Wait()
}

// TestLateStreamIsDeleted checks a CreateStream that ends before createStream is answered. The client must then delete the stream and drop
// its messages.
func TestLateStreamIsDeleted(t *testing.T) {
	for name, test := range map[string]struct {
		opts  StreamOptions
		o     Options
		early bool // there is more media than the queue holds
		want  error
	}{
		"playing, cancelled":    {want: context.Canceled},
		"publishing, cancelled": {opts: StreamOptions{Writable: true}, want: context.Canceled},
		"timed out":             {o: Options{Timeout: 250 * time.Millisecond}, want: os.ErrDeadlineExceeded},
		"backlog":               {o: Options{MaxQueue: 1000}, early: true, want: ErrStreamBacklog},
	} {
		inBubble(t, name, func(t *testing.T) {
			asked, answer, deleted := make(chan struct{}), make(chan struct{}), make(chan []any, 1)
			ctx, c := piped(t, test.o, func(p *peer) {
				p.AcceptConnect()
				p.giveStream(1)
				cmd := p.Expect("createStream")
				if test.early {
					p.Send(session.EncodePacket(&Packet{Type: message.TypeAudio, StreamID: 1, Absolute: true, Body: make([]byte, 2000)}))
				}
				close(asked)
				<-answer
				p.Call(0, "_result", cmd.TransactionID, nil, 2.0)
				if cmd := p.Expect("deleteStream"); cmd != nil {
					deleted <- cmd.Args
				}
				p.mediaOn(2, "B")
				p.endsOn(2)
				p.mediaOn(1, "A")
				p.StatusOn(1, "NetStream.Play.Stop")
				p.UntilGone()
			})
			_, err := c.Connect(ctx)
			require.NoError(t, err)
			s, err := c.CreateStream(ctx, nil)
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			if test.want == context.Canceled {
				go func() { <-asked; cancel() }()
			}
			_, err = c.CreateStream(ctx, &test.opts)
			require.ErrorIs(t, err, test.want)
			close(answer)
			if test.early {
				var p Packet
				require.NoError(t, s.ReadPacket(&p))
			}
			require.NoError(t, s.SetReadDeadline(time.Now().Add(10*time.Second)))
			assert.Equal(t, "AAAA", spoken(t, s))
			assert.Equal(t, []any{2.0}, <-deleted)
			assert.EqualValues(t, kindsOfMedia, c.Stats().StrayMedia)
		})
	}
}

// TestManyStreamsGivenUp opens and cancels more streams than the server allows, at random moments, while one stream is played to its end.
// The played stream must receive exactly its media, and the server must accept another stream in the end.
func TestManyStreamsGivenUp(t *testing.T) {
	server := rtmptest.Server(t, testserver.Config{SessionFault: func(int) testserver.Fault {
		return testserver.Fault{Action: testserver.Dribble, At: int64(len(testserver.Sample)) - 60_000}
	}})
	c, s := playing(t, server.URL("vod", "sample"), &Options{BackgroundRead: true, MaxQueue: 64 << 20})
	var file bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() {
		_, err := io.Copy(&file, s)
		assert.NoError(t, err)
	})
	random := rand.New(rand.NewPCG(13, 1))
	for i := range 200 {
		if i%32 == 0 { // wait until the server has answered all requests so far
			_, err := c.RemoteMethod("unknown")(conntest.Context(t))
			require.ErrorContains(t, err, "unknown")
		}
		ctx, cancel := context.WithTimeout(conntest.Context(t), time.Duration(random.IntN(300))*time.Microsecond)
		if other, err := c.CreateStream(ctx, nil); err == nil {
			assert.NoError(t, other.Close())
		} else {
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		}
		cancel()
	}
	_, err := c.RemoteMethod("unknown")(conntest.Context(t))
	require.ErrorContains(t, err, "unknown")
	_, err = c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	reading.Wait()
	assert.True(t, bytes.Equal(testserver.Sample, file.Bytes()), "%d bytes", file.Len())
}

// TestCreateStreamTriedAgainBesideBacklog checks that repeated attempts to open a stream while another stream's queue is full do not use up
// the server's limit of streams.
func TestCreateStreamTriedAgainBesideBacklog(t *testing.T) {
	server := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"a": testserver.Sample}})
	c, s := playing(t, server.URL("vod", "a"), &Options{MaxQueue: 20_000, BackgroundRead: true})
	for c.client.Load().session.Blocked() == nil {
	}
	tries := 0
	for ; tries < 200; tries++ {
		_, err := c.CreateStream(context.Background(), nil)
		require.ErrorIs(t, err, ErrStreamBacklog)
	}
	for { // now read the backlog
		b := make([]byte, 10000)
		_, err := s.Read(b)
		require.NoError(t, err)
		if c.client.Load().session.Blocked() == nil {
			break
		}
	}
	var err error
	for {
		_, err = c.CreateStream(context.Background(), nil)
		if !errors.Is(err, ErrStreamBacklog) {
			break
		}
		b := make([]byte, 100000)
		_, err := s.Read(b)
		require.NoError(t, err)
	}
	require.NoError(t, err)
}
