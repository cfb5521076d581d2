package rtmp

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// replayed serves recorded sessions, and returns the server's address. The test fails if the server has an error.
func replayed(t *testing.T, sessions ...*capture.Session) string {
	l := conntest.Listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s := &capture.Server{Sessions: sessions}
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		assert.ErrorIs(t, <-done, context.Canceled)
	})
	return l.Addr().String()
}

// TestReplayToAnotherClient records a session, and replays it to clients that send their requests in another order.
func TestReplayToAnotherClient(t *testing.T) {
	for _, recorded := range []Pipelining{PipelineNone, PipelineHandshake} {
		server := rtmptest.Server(t, testserver.Config{})
		var file bytes.Buffer
		_, err := download(conntest.Context(t), server.URL("vod", "sample"), &Options{Capture: &file, Pipelining: recorded}, nil)
		require.NoError(t, err)
		for _, pipelining := range []Pipelining{PipelineNone, PipelineCommands, PipelineHandshake} {
			for _, o := range []Options{{}, {Live: true}} {
				o.Pipelining = pipelining
				sessions := captured(t, file.Bytes())
				addr := replayed(t, sessions[len(sessions)-1])
				got, err := download(conntest.Context(t), "rtmp://"+addr+"/vod/sample", &o, nil)
				require.NoError(t, err)
				assert.True(t, bytes.Equal(testserver.Sample, got), "%d bytes", len(got))
			}
		}
	}
}

// TestReplayOfAPlayer replays the requests of a recorded player to a server. The server must send it the same messages as before.
func TestReplayOfAPlayer(t *testing.T) {
	server := rtmptest.Server(t, testserver.Config{})
	var file bytes.Buffer
	_, err := download(conntest.Context(t), server.URL("vod", "sample"), &Options{Capture: &file}, nil)
	require.NoError(t, err)
	nc, err := net.Dial("tcp", server.Addr())
	require.NoError(t, err)
	var media atomic.Int64
	c := capture.Client{Session: captured(t, file.Bytes())[0], Replay: capture.Replay{Received: func(m *capture.Message) {
		if m.Type == 8 || m.Type == 9 {
			media.Add(int64(len(m.Body)))
		}
	}}}
	require.NoError(t, c.Run(conntest.Context(t), nc))
	assert.EqualValues(t, sampleMedia(t), media.Load())
}

// TestReplayOfAPublisher replays a recorded publisher. It publishes under the placeholder that stands for its key in the recording.
func TestReplayOfAPublisher(t *testing.T) {
	first := rtmptest.Server(t, testserver.Config{})
	var file bytes.Buffer
	conn, stream := publishing(t, first.URL("live", "a-secret-key"), &Options{Capture: &file})
	_, err := stream.ReadFrom(bytes.NewReader(testserver.Sample))
	require.NoError(t, err)
	require.NoError(t, conn.Close())

	server, recorded := rtmptest.Recorder(t, testserver.Config{})
	nc, err := net.Dial("tcp", server.Addr())
	require.NoError(t, err)
	c := capture.Client{Session: captured(t, file.Bytes())[0]}
	require.NoError(t, c.Run(conntest.Context(t), nc))
	rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.Tags(t, recorded("secret1xxxxx")))
}
