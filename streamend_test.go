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

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// lateReader is a stream of which a Read has just seen that there is nothing, and does not get to read the socket, when
// another reader queues the last picture and then happens. It runs in a synctest bubble.
func lateReader(t *testing.T, then func(s *Stream)) *Stream {
	c, err := New("rtmp://server/app/play", nil)
	require.NoError(t, err)
	ours, theirs := net.Pipe()
	t.Cleanup(func() { c.Close(); theirs.Close() })
	k := newClient(c.core, c.setup.settings, false)
	require.NoError(t, k.begin(ours, 0))
	s := k.streams.newStream(StreamOptions{})
	k.session.StartStanding()
	synctest.Wait() // it reads
	s.reader.Sink = &lateSink{Sink: s.reader.Sink, late: func() {
		last := session.Message{Packet: Packet{Type: message.TypeVideo, Body: []byte("the last picture")}}
		s.mu.Lock()
		s.queue.Push(&last)
		s.mu.Unlock()
		then(s)
	}}
	return s
}

// lateSink calls late after the first look.
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

// The end is told only when the queue is empty, however a Read has come to its own end.
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
				return string(b[at : n-4]), err // without the size that follows each tag
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
					<-s.wake // which SetReadDeadline has left
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

// flvFlags is where the file header says which kinds of media there are: a Read that times out decides it by what has come.
const flvFlags = 4

// Deadlines pass at random moments while another goroutine reads the socket: every byte arrives before the end does.
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
