package bench

import (
	"bytes"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	gomessage "github.com/bluenviron/gortmplib/pkg/message"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// gortmplibClient connects gortmplib to a server of this library.
func gortmplibClient(t *testing.T, s *testserver.Server, publish bool) *gortmplib.Client {
	t.Helper()
	u, err := url.Parse("rtmp://" + s.Addr() + "/live#stream") // gortmplib expects the stream's name in the fragment
	require.NoError(t, err)
	c := &gortmplib.Client{URL: u, Publish: publish}
	require.NoError(t, c.Initialize(testContext(t)))
	t.Cleanup(c.Close)
	require.NoError(t, c.NetConn().SetDeadline(time.Now().Add(testTimeout)))
	return c
}

func startServer(t *testing.T, cfg testserver.Config) *testserver.Server {
	t.Helper()
	s, err := testserver.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestGortmplibPublishes(t *testing.T) {
	for _, media := range streams(t) {
		t.Run(media.name, func(t *testing.T) {
			var got []rtmp.Packet
			ended := make(chan struct{})
			end := sync.OnceFunc(func() { close(ended) })
			s := startServer(t, testserver.Config{OnMessage: func(_ *testserver.Session, m *chunk.Message) {
				switch message.Type(m.Type) {
				case message.TypeAudio, message.TypeVideo:
					got = append(got, rtmp.Packet{Type: message.Type(m.Type), Timestamp: m.Timestamp, Body: bytes.Clone(m.Body())})
				case message.TypeCommandAMF0:
					if cmd, err := message.ParseCommand(message.TypeCommandAMF0, m.Body()); err == nil && cmd.Name == "deleteStream" {
						end()
					}
				}
			}})
			c := gortmplibClient(t, s, true)
			require.NoError(t, writeUnits(c, media))
			require.NoError(t, c.Write(&gomessage.CommandAMF0{ChunkStreamID: 3, Name: "deleteStream", Arguments: []any{nil, 1.0}}))
			select {
			case <-ended:
			case <-testContext(t).Done():
				t.Fatal("not everything has arrived")
			}
			assertPackets(t, media, got)
		})
	}
}

func TestGortmplibPlays(t *testing.T) {
	for _, media := range streams(t) {
		t.Run(media.name, func(t *testing.T) {
			s := startServer(t, testserver.Config{Files: map[string][]byte{"stream": media.file()},
				Shape: testserver.Shape{EndSignal: testserver.EndClose}})
			tracks, got, err := readUnits(gortmplibClient(t, s, false))
			require.NoError(t, err)
			assertUnits(t, media, tracks, got)
		})
	}
}
