package pcap_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/capture/pcap"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// The files in testdata were captured by tcpdump. Each is a session between internal/testserver and the program in its name. The players
// played sample.flv, the server's recording "small" of the application vod. The publishers published the stream "out" of the application
// live, and NAME.flv is the server's recording of it.

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return b
}

func sessionOf(t *testing.T, name string) *capture.Session {
	t.Helper()
	f, report, err := pcap.Open(filepath.Join("testdata", name+".pcap"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	require.Empty(t, report.Problems)
	require.Len(t, f.Sessions(), 1)
	require.Empty(t, f.Damage())
	_, complete := f.Sessions()[0].End()
	require.True(t, complete)
	return f.Sessions()[0]
}

func play(t *testing.T, s *capture.Session, path string) []byte {
	t.Helper()
	l := conntest.Listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- (&capture.Server{Sessions: []*capture.Session{s}}).Serve(ctx, l) }()
	c, err := rtmp.Dial(conntest.Context(t), "rtmp://"+l.Addr().String()+path, nil)
	require.NoError(t, err)
	stream, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	file, err := io.ReadAll(stream)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	cancel()
	require.ErrorIs(t, <-served, context.Canceled)
	return file
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	return nc
}

// TestPlayers checks that a client of package rtmp receives the media that the recorded players received, and that the test server answers
// the recorded requests as in the recording.
func TestPlayers(t *testing.T) {
	want := testdata(t, "sample.flv")
	for _, name := range []string{"rtmpdump", "rtmpdump-rtmpt", "ffmpeg-play", "gortmplib-play"} {
		t.Run(name, func(t *testing.T) {
			s := sessionOf(t, name)
			assert.True(t, bytes.Equal(want, play(t, s, "/vod/small")), "what our client receives from the capture")

			server := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"small": want}})
			then, now := media(t, s), []byte(nil)
			c := capture.Client{Session: s, Replay: capture.Replay{Received: func(m *capture.Message) { now = appendMedia(now, m) }}}
			require.NoError(t, c.Run(conntest.Context(t), dial(t, server.Addr())))
			assert.NotEmpty(t, then)
			assert.True(t, bytes.Equal(then, now), "what the recorded client receives from our server: %d bytes, then %d", len(now), len(then))
		})
	}
}

func media(t *testing.T, s *capture.Session) (all []byte) {
	r := s.Reader()
	var m capture.Message
	var err error
	for err = r.Next(&m); err == nil; err = r.Next(&m) {
		if m.From == capture.FromServer {
			all = appendMedia(all, &m)
		}
	}
	require.Equal(t, io.EOF, err)
	return all
}

func appendMedia(all []byte, m *capture.Message) []byte {
	if m.Type == 8 || m.Type == 9 {
		all = append(append(all, byte(m.Type), byte(m.Timestamp>>8), byte(m.Timestamp)), m.Body...)
	}
	return all
}

// TestPublishers replays the recorded publishers to the test server, and checks that it makes the same recordings. Their names are the
// placeholders that stand for the streams' names. A client of package rtmp must then be able to publish them to the recorded server.
func TestPublishers(t *testing.T) {
	for _, name := range []string{"ffmpeg-publish", "gortmplib-publish"} {
		t.Run(name, func(t *testing.T) {
			s := sessionOf(t, name)
			want := testdata(t, name+".flv")
			server, recorded := rtmptest.Recorder(t, testserver.Config{})
			c := capture.Client{Session: s}
			require.NoError(t, c.Run(conntest.Context(t), dial(t, server.Addr())))
			assert.True(t, bytes.Equal(want, recorded("001")))

			l := conntest.Listen(t)
			ctx, cancel := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- (&capture.Server{Sessions: []*capture.Session{s}}).Serve(ctx, l) }()
			conn, err := rtmp.Dial(conntest.Context(t), "rtmp://"+l.Addr().String()+"/live/out", &rtmp.Options{Publish: true})
			require.NoError(t, err)
			stream, err := conn.CreateStream(conntest.Context(t), &rtmp.StreamOptions{Writable: true})
			require.NoError(t, err)
			_, err = stream.ReadFrom(bytes.NewReader(want))
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			cancel()
			require.ErrorIs(t, <-served, context.Canceled)
		})
	}
}
