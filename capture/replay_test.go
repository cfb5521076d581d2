package capture_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/capture/pcap"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/handshake"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/message"
)

func recorded(t *testing.T, name string) *capture.Session {
	t.Helper()
	f, _, err := pcap.Open(filepath.Join("pcap", "testdata", name+".pcap"))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f.Sessions()[0]
}

// bothEnds replays a session as client and as server, connected to each other, and counts the messages that each has received.
func bothEnds(t *testing.T, s *capture.Session, speed float64, client, server net.Conn) map[capture.Direction]int {
	t.Helper()
	counts := map[capture.Direction]int{}
	var mu sync.Mutex
	replay := capture.Replay{Speed: speed, Received: func(m *capture.Message) {
		mu.Lock()
		defer mu.Unlock()
		counts[m.From]++
	}}
	var serving sync.WaitGroup
	serving.Go(func() {
		assert.NoError(t, (&capture.Server{Sessions: []*capture.Session{s}, Replay: replay}).ServeConn(t.Context(), server))
	})
	require.NoError(t, (&capture.Client{Session: s, Replay: replay}).Run(t.Context(), client))
	serving.Wait()
	return counts
}

var sessions = []string{"rtmpdump", "ffmpeg-publish", "gortmplib-publish"}

func TestBothEndsAtOnce(t *testing.T) {
	for _, name := range sessions {
		s := recorded(t, name)
		l := conntest.Listen(t)
		client, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		server, err := l.Accept()
		require.NoError(t, err)
		counts := bothEnds(t, s, 0, client, server)
		want, _ := countsOf(t, s)
		assert.Equal(t, want[capture.FromClient], counts[capture.FromClient], name)
		assert.GreaterOrEqual(t, counts[capture.FromServer], want[capture.FromServer], name) // an answer may come before its request, or twice
	}
}

// TestBothEndsInTime checks that a replay takes as long as the recording, divided by Speed.
func TestBothEndsInTime(t *testing.T) {
	for _, name := range sessions {
		for _, speed := range []float64{1, 10} {
			synctest.Test(t, func(t *testing.T) {
				s := recorded(t, name)
				client, server := net.Pipe()
				began := time.Now()
				counts := bothEnds(t, s, speed, client, server)
				want, last := countsOf(t, s)
				assert.Equal(t, want[capture.FromClient], counts[capture.FromClient], name)
				assert.InDelta(t, float64(last)/speed, float64(time.Since(began)), float64(20*time.Millisecond))
			})
		}
	}
}

// countsOf returns the number of messages of each direction in a session, and when the last one was completed.
func countsOf(t *testing.T, s *capture.Session) (counts map[capture.Direction]int, last time.Duration) {
	t.Helper()
	counts = map[capture.Direction]int{}
	all, _, _ := everything(t, s)
	for _, m := range all {
		counts[m.From]++
		last = m.At
	}
	return counts, last
}

func TestStep(t *testing.T) {
	s := recorded(t, "rtmpdump")
	client, server := net.Pipe()
	enough := errors.New("enough")
	var seen []message.Type
	done := make(chan error, 1)
	go func() {
		done <- (&capture.Server{Sessions: []*capture.Session{s}, Replay: capture.Replay{Step: func(_ context.Context, m *capture.Message) error {
			if seen = append(seen, m.Type); m.Type == message.TypeVideo {
				return enough
			}
			return nil
		}}}).ServeConn(t.Context(), server)
	}()
	require.Error(t, (&capture.Client{Session: s}).Run(t.Context(), client))
	require.Equal(t, enough, <-done)
	assert.Equal(t, message.TypeVideo, seen[len(seen)-1])
	assert.Contains(t, seen, message.TypeCommandAMF0)
}

// TestPeersThatDoNotGoOn checks the errors for a silent client, a client that disconnects, and a silent server.
func TestPeersThatDoNotGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := recorded(t, "rtmpdump")
		shaken := func() (net.Conn, chan error) {
			client, server := net.Pipe()
			done := make(chan error, 1)
			go func() { done <- (&capture.Server{Sessions: []*capture.Session{s}}).ServeConn(t.Context(), server) }()
			_, err := handshake.Client(client, handshake.Config{})
			require.NoError(t, err)
			return client, done
		}
		began := time.Now()
		client, done := shaken()
		require.ErrorContains(t, <-done, "has not sent what the recording needs")
		assert.Equal(t, 10*time.Second, time.Since(began))
		client.Close()

		client, done = shaken()
		client.Close()
		require.ErrorContains(t, <-done, "the client has left")

		mine, theirs := net.Pipe()
		go func() {
			handshake.Server(theirs, handshake.Config{})
			in := chunk.NewReader(theirs, 0)
			for in.Next(new(chunk.Message)) == nil {
			}
		}()
		err := (&capture.Client{Session: s, Replay: capture.Replay{Patience: time.Second}}).Run(t.Context(), mine)
		require.ErrorContains(t, err, "the server has not sent what the recording needs")
		theirs.Close()
		ctx, cancel := context.WithCancel(t.Context())
		mine, theirs = net.Pipe()
		time.AfterFunc(time.Second, cancel)
		require.ErrorIs(t, (&capture.Client{Session: s}).Run(ctx, mine), context.Canceled)
		theirs.Close()
		require.Error(t, (&capture.Server{}).ServeConn(t.Context(), theirs))
	})
}

// TestRefused replays a client to a server that refuses a request that the recorded server accepted.
func TestRefused(t *testing.T) {
	s := recorded(t, "rtmpdump")
	mine, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		handshake.Server(theirs, handshake.Config{})
		body, _ := message.AppendCommand(nil, message.TypeCommandAMF0, &message.Command{Name: "_error", TransactionID: 1,
			Args: []any{amf.Object{{Name: "level", Value: "error"}, {Name: "code", Value: message.CodeConnectRejected}}}})
		b, _ := chunk.NewWriter().AppendMessage(nil, &chunk.Outgoing{Type: 20, ChunkStreamID: 3, Body: body})
		in := chunk.NewReader(theirs, 0)
		in.Next(new(chunk.Message))
		theirs.Write(b)
		for in.Next(new(chunk.Message)) == nil {
		}
	}()
	err := (&capture.Client{Session: s}).Run(t.Context(), mine)
	var status *message.StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, message.CodeConnectRejected, status.Code)
}

// TestStreamIDs checks that a Client names the stream that the server has given it, in whatever form the id is encoded. Only an id encoded
// as an AMF3 integer is left unchanged, and one that is cut off.
func TestStreamIDs(t *testing.T) {
	number := func(n float64) []byte { return binary.BigEndian.AppendUint64(nil, math.Float64bits(n)) }
	command := func(name string, id float64, args ...any) chunk.Outgoing {
		return peertest.Command(0, name, id, nil, args...)
	}
	deletes := command("deleteStream", 3).Body
	deletesAMF3 := append([]byte{0}, deletes...)
	for name, test := range map[string]struct {
		kind           message.Type
		recorded, sent []byte
	}{
		"AMF0":           {message.TypeCommandAMF0, append(append(bytes.Clone(deletes), 0), number(1)...), append(append(bytes.Clone(deletes), 0), number(7)...)},
		"AMF3, a double": {message.TypeCommandAMF3, append(append(bytes.Clone(deletesAMF3), 0x11, 5), number(1)...), append(append(bytes.Clone(deletesAMF3), 0x11, 5), number(7)...)},
		"buffer length":  {message.TypeUserControl, message.AppendSetBufferLength(nil, 1, 300), message.AppendSetBufferLength(nil, 7, 300)},
		"cut off":        {message.TypeUserControl, []byte{0, 3, 0, 0}, []byte{0, 3, 0, 0}},
		"AMF3, integer":  {message.TypeCommandAMF3, append(bytes.Clone(deletesAMF3), 0x11, 4, 1), append(bytes.Clone(deletesAMF3), 0x11, 4, 1)},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := open(t, recording(t, []sent{
				{capture.FromClient, command("connect", 1)}, {capture.FromServer, command("_result", 1, nil)},
				{capture.FromClient, command("createStream", 2)}, {capture.FromServer, command("_result", 2, 1.0)},
				{capture.FromClient, chunk.Outgoing{Type: uint8(test.kind), ChunkStreamID: 3, Body: test.recorded}},
			})).Sessions()[0]
			mine, theirs := net.Pipe()
			got := make(chan []byte, 1)
			go func() {
				defer close(got)
				defer theirs.Close()
				p, err := peertest.Accept(theirs)
				if err != nil {
					return
				}
				p.AcceptConnect()
				p.AcceptStream(7)
				got <- p.ExpectType(test.kind)
				p.UntilGone()
			}()
			require.NoError(t, (&capture.Client{Session: s}).Run(t.Context(), mine))
			assert.Equal(t, test.sent, <-got, name)
		})
	}
}

// FuzzReplay checks that both ends of a replay end, whatever was recorded. Each message in the input is its direction and type, the size of its
// body, and the body.
func FuzzReplay(f *testing.F) {
	types := []message.Type{message.TypeCommandAMF0, message.TypeCommandAMF3, message.TypeUserControl, message.TypeAudio, message.TypeSetChunkSize,
		message.TypeAbort, message.TypeDataAMF0, message.TypeAggregate}
	var seed []byte
	add := func(from capture.Direction, kind int, body []byte) {
		seed = append(append(seed, byte(from-1)|byte(kind)<<1, byte(len(body))), body...)
	}
	command := func(name string, id float64, args ...any) []byte {
		return peertest.Command(0, name, id, nil, args...).Body
	}
	status := func(code string) []byte { return command("onStatus", 0, message.StatusObject("status", code, "")) }
	add(capture.FromClient, 0, command("connect", 1))
	add(capture.FromServer, 4, []byte{0, 0, 16, 0})
	add(capture.FromServer, 0, command("_result", 1, message.StatusObject("status", message.CodeConnectSuccess, "")))
	add(capture.FromClient, 0, command("createStream", 2))
	add(capture.FromServer, 0, command("_result", 2, 1.0))
	add(capture.FromClient, 2, message.AppendSetBufferLength(nil, 1, 300))
	add(capture.FromClient, 0, command("play", 0, "name"))
	add(capture.FromServer, 0, status(message.CodePlayStart))
	add(capture.FromServer, 3, []byte{0xaf, 1})
	add(capture.FromClient, 2, message.AppendUserControl(nil, message.EventPingResponse, 1))
	add(capture.FromServer, 2, message.AppendUserControl(nil, message.EventStreamEOF, 1))
	add(capture.FromClient, 0, command("deleteStream", 0, 1.0))
	f.Add(seed)
	f.Add(append(bytes.Clone(seed), seed...))
	f.Fuzz(func(t *testing.T, in []byte) {
		var messages []sent
		for len(in) >= 2 && len(messages) < 100 {
			kind, size := types[in[0]>>1&7], min(int(in[1]), len(in)-2)
			o := chunk.Outgoing{Type: uint8(kind), ChunkStreamID: 3 + uint32(in[0]>>4), Body: in[2 : 2+size]}
			if _, err := chunk.NewWriter().AppendMessage(nil, &o); err == nil { // a Writer refuses invalid chunk sizes
				messages = append(messages, sent{capture.Direction(1 + in[0]&1), o})
			}
			in = in[2+size:]
		}
		s := open(t, recording(t, messages)).Sessions()[0]
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			var serving sync.WaitGroup
			serving.Go(func() { (&capture.Server{Sessions: []*capture.Session{s}}).ServeConn(t.Context(), server) })
			(&capture.Client{Session: s}).Run(t.Context(), client)
			serving.Wait()
		})
	})
}
