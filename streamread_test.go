package rtmp

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"testing/synctest"
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

var past = time.Unix(1, 0)

// lateReader tests a Read that has just found the queue empty. Before that Read reads the socket, another reader queues the last picture
// and ends the stream with end. lateReader runs in a synctest bubble.
func lateReader(t *testing.T, end func(s *Stream)) *Stream {
	c, err := New("rtmp://server/app/play", nil)
	require.NoError(t, err)
	ours, theirs := net.Pipe()
	t.Cleanup(func() { c.Close(); theirs.Close() })
	k := newClient(c.core, c.setup.settings, false)
	k.begin(ours, 0, nil)
	require.NoError(t, c.core.useSession(k.session))
	s := k.streams.newStream(StreamOptions{})
	k.session.StartStanding()
	synctest.Wait() // until the session's own goroutine reads the connection
	s.waiter.Sink = &lateSink{Sink: s.waiter.Sink, late: func() {
		last := session.Message{Packet: Packet{Type: message.TypeVideo, Body: []byte("the last picture")}}
		s.mu.Lock()
		s.queue.Push(&last)
		s.mu.Unlock()
		end(s)
	}}
	return s
}

type lateSink struct {
	session.Sink
	late func()
}

func (k *lateSink) Ready() bool {
	ok := k.Sink.Ready()
	if late := k.late; late != nil {
		k.late = nil
		late()
	}
	return ok
}

// TestEndComesAfterTheQueue checks that Read reports the end of a stream only when the queue is empty.
func TestEndComesAfterTheQueue(t *testing.T) {
	readings := map[string]func(s *Stream) (string, error){
		"ReadPacket": func(s *Stream) (string, error) {
			var p Packet
			err := s.ReadPacket(&p)
			return string(p.Body), err
		},
		"Read": func(s *Stream) (string, error) {
			b := make([]byte, 1000)
			n, err := s.Read(b)
			if at := bytes.Index(b[:n], []byte("the last")); at >= 0 {
				return string(b[at : n-4]), err // without the previous tag size after each tag
			}
			return "", err
		},
	}
	ends := map[string]struct {
		end  func(s *Stream)
		want error
	}{
		"Play.Stop": {func(s *Stream) { s.ended = true }, io.EOF},
		"a refusal": {func(s *Stream) { s.err = &StatusError{Code: "NetStream.Play.Failed"} }, &StatusError{}},
	}
	for way, read := range readings {
		for what, test := range ends {
			t.Run(way+", "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := lateReader(t, func(s *Stream) {
						s.mu.Lock()
						defer s.mu.Unlock()
						test.end(s)
					})
					require.NoError(t, s.SetReadDeadline(past))
					<-s.readWake // the signal that SetReadDeadline has left
					_, err := read(s)
					require.ErrorIs(t, err, os.ErrDeadlineExceeded)
					require.NoError(t, s.SetReadDeadline(time.Time{}))
					got, err := read(s)
					require.NoError(t, err)
					assert.Equal(t, "the last picture", got)
					_, err = read(s)
					if test.want == io.EOF {
						require.ErrorIs(t, err, io.EOF)
					} else {
						require.ErrorAs(t, err, new(*StatusError))
					}
				})
			})
		}
	}
	t.Run("the connection is lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := lateReader(t, func(s *Stream) { s.conn.fail(&session.LostError{What: "read"}) })
			var p Packet
			require.NoError(t, s.ReadPacket(&p))
			assert.Equal(t, "the last picture", string(p.Body))
			require.ErrorIs(t, s.ReadPacket(&p), io.ErrUnexpectedEOF)
		})
	})
}

// flvFlags is the offset of the flags for audio and video in the file header, which are set when a Read times out.
const flvFlags = 4

// TestDeadlinesBesideAnotherReader lets deadlines pass at random moments while another goroutine reads the socket. No byte may be lost.
func TestDeadlinesBesideAnotherReader(t *testing.T) {
	recording := shortSample(t, 60_000)
	for _, scheme := range []string{"rtmp", "rtmpe", "rtmps", "rtmpt"} {
		t.Run(scheme, func(t *testing.T) {
			server := rtmptest.Server(t, testserver.Config{Scheme: scheme, Files: map[string][]byte{"sample": recording}})
			random := rand.New(rand.NewPCG(1, uint64(len(scheme))))
			sessions := 40
			if long() {
				sessions = 4000
			}
			for range sessions {
				o := &Options{TLSConfig: testserver.ClientTLS(), BackgroundRead: true}
				c, err := Dial(conntest.Context(t), server.URL("vod", "sample"), o)
				require.NoError(t, err)
				s, err := c.CreateStream(conntest.Context(t), nil)
				require.NoError(t, err)
				var file bytes.Buffer
				buf := make([]byte, 100_000)
				for err = nil; !errors.Is(err, io.EOF); {
					if err != nil {
						require.ErrorIs(t, err, os.ErrDeadlineExceeded)
					}
					require.NoError(t, s.SetReadDeadline(time.Now().Add(time.Duration(random.IntN(200))*time.Microsecond)))
					var n int
					n, err = s.Read(buf)
					file.Write(buf[:n])
				}
				require.NoError(t, c.Close())
				got := file.Bytes()
				require.Equal(t, len(recording), len(got))
				require.NotZero(t, got[flvFlags])
				got[flvFlags] = recording[flvFlags]
				require.True(t, bytes.Equal(recording, got))
			}
		})
	}
}

func TestEndSignals(t *testing.T) {
	for name, end := range map[string]func(*peer){
		"Play.Stop":       func(p *peer) { p.Status("NetStream.Play.Stop") },
		"Play.Complete":   func(p *peer) { p.Status("NetStream.Play.Complete") },
		"UnpublishNotify": func(p *peer) { p.Status("NetStream.Play.UnpublishNotify") },
		"onFCUnsubscribe": func(p *peer) { p.Call(0, "onFCUnsubscribe", 0, nil) },
		"StreamEOF": func(p *peer) {
			p.Send(peertest.Event(message.EventStreamEOF, 1))
		},
		"Play.Stop, then hanging up": func(p *peer) { p.Status("NetStream.Play.Stop"); p.Conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			url := newPeer(t, func(p *peer) {
				p.AcceptPlayer()
				p.sendMedia()
				end(p)
				p.UntilGone()
			})
			_, s := playing(t, url, nil)
			require.NoError(t, playsSent(t, s))
		})
	}
}

func TestConnectionLostInMidStream(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.sendMedia()
		p.Conn.Write([]byte{0x06, 0, 0, 1}) // followed by the first bytes of a chunk header
	})
	c, s := playing(t, url, nil)
	err := playsSent(t, s)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	<-c.Done()
	assert.ErrorIs(t, c.Err(), io.ErrUnexpectedEOF)
	_, err = c.Call(conntest.Context(t), "late")
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// TestReadIsRoused checks that setting a deadline and closing the stream end a Read that is blocked.
func TestReadIsRoused(t *testing.T) {
	url := newPeer(t, func(p *peer) { p.AcceptPlayer(); p.UntilGone() })
	c, s := playing(t, url, nil)
	errs := make(chan error)
	read := func() { _, err := s.Read(make([]byte, 10)); errs <- err }
	go read()
	s.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	require.ErrorIs(t, <-errs, os.ErrDeadlineExceeded)
	s.SetReadDeadline(time.Time{})
	go read()
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-errs, net.ErrClosed)
	require.NoError(t, c.Err(), "the connection goes on")
}

func TestBacklog(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		cmd := p.Expect("echo")
		for i := range 100 {
			p.Media(message.TypeAudio, uint32(i), make([]byte, 1000))
		}
		p.Call(0, "_result", cmd.TransactionID, nil, "there")
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	c, s := playing(t, url, &Options{MaxQueue: 10_000})
	k, err := c.Call(conntest.Context(t), "echo")
	require.NoError(t, err)
	_, err = k.Result(conntest.Context(t))
	require.ErrorIs(t, err, ErrStreamBacklog)
	assert.LessOrEqual(t, c.Stats().QueuedBytes, 12_000)
	count := 0
	var p Packet
	for err = s.ReadPacket(&p); err == nil; err = s.ReadPacket(&p) {
		count++
	}
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, 100, count, "nothing is lost")
	v, err := k.Result(conntest.Context(t))
	require.NoError(t, err)
	assert.Equal(t, "there", v)
}

func TestBackgroundRead(t *testing.T) {
	pong := make(chan []byte, 1)
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.ExpectType(message.TypeUserControl) // SetBufferLength
		p.Send(peertest.Event(message.EventPingRequest, 5))
		pong <- p.ExpectType(message.TypeUserControl)
		p.sendMedia()
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, &Options{BackgroundRead: true, MaxQueue: 2000})
	assert.Equal(t, message.AppendUserControl(nil, message.EventPingResponse, 5), <-pong, "answered although nobody waits")
	require.NoError(t, playsSent(t, s))
}

func TestAggregates(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		var body []byte
		for _, tag := range sent[:4] {
			tag.Timestamp += 500 // the timestamps in an aggregate may have any origin: the first timestamp stands for the timestamp of the aggregate
			body = flv.AppendTag(body, tag)
		}
		p.Media(message.TypeAggregate, 0, body)
		p.Media(message.TypeVideo, 80, sent[4].Body)
		p.Status("NetStream.Play.Stop")
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	require.NoError(t, playsSent(t, s))
}

func TestReadPacketAllocatesNothing(t *testing.T) {
	const runs = 1000
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		var all []byte
		for i := range uint32(runs + 10) {
			all = append(all, p.Encode(chunk.Outgoing{Type: uint8(message.TypeAudio), ChunkStreamID: 4, StreamID: 1, Timestamp: i,
				Body: make([]byte, 100)})...)
		}
		p.Conn.Write(all)
		p.UntilGone()
	})
	_, s := playing(t, url, nil)
	var p Packet
	require.NoError(t, s.ReadPacket(&p), "the first brings the memory")
	allocs := testing.AllocsPerRun(runs, func() {
		if err := s.ReadPacket(&p); err != nil || len(p.Body) != 100 {
			t.Fatal(err, len(p.Body))
		}
	})
	assert.Zero(t, allocs)
}

// TestDeadlineDoesNotDecideTheHeader checks that the file header announces audio that arrives after a read deadline.
func TestDeadlineDoesNotDecideTheHeader(t *testing.T) {
	url := newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.Media(message.TypeVideo, 0, []byte{0x17, 0})
		p.Call(0, "come", 0, nil)
		p.Expect("timed out")
		p.Media(message.TypeAudio, 0, []byte{0xAF, 0})
		p.Status(message.CodePlayStop)
		p.UntilGone()
	})
	c, s := playing(t, url, nil)
	_, err := c.WaitInvoke(conntest.Context(t), "come") // after the picture
	require.NoError(t, err)
	s.SetReadDeadline(time.Now())
	_, err = s.Read(make([]byte, 100))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	_, err = c.CallWith(conntest.Context(t), CallOptions{NoReply: true}, "timed out")
	require.NoError(t, err)
	s.SetReadDeadline(time.Time{})
	file, err := io.ReadAll(s)
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(file, flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})), "%x", file)
	assert.Len(t, rtmptest.Tags(t, file), 2)
}

// TestEmptyQueueIsNotReferredTo checks that a stream whose queue has been read does not refer to the queue's memory, which may be 16 MiB.
func TestEmptyQueueIsNotReferredTo(t *testing.T) {
	c, s := playing(t, newPeer(t, func(p *peer) {
		p.AcceptPlayer()
		p.sendMedia()
		if cmd := p.Expect("ask"); cmd != nil {
			p.Call(0, "_result", cmd.TransactionID, nil)
		}
		p.Status(message.CodePlayStop)
		p.UntilGone()
	}), nil)
	k, err := c.Call(conntest.Context(t), "ask")
	require.NoError(t, err)
	_, err = k.Result(conntest.Context(t))
	require.NoError(t, err)
	require.NotZero(t, s.queued())
	require.NoError(t, playsSent(t, s))
	assert.Zero(t, s.streamReader.front)
}
