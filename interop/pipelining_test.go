package interop

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

var pipelinings = map[string]rtmp.Pipelining{"none": rtmp.PipelineNone, "commands": rtmp.PipelineCommands, "handshake": rtmp.PipelineHandshake}

// oneWay is the delay in each direction between client and server in tests that count round trips.
const oneWay = 20 * time.Millisecond

// openDistant opens a stream of a server with the delay oneWay, logs how many round trips that takes, and asserts that the server accepts
// the pipelining.
func openDistant(t *testing.T, addr, stream string, publish bool, p rtmp.Pipelining) (*rtmp.Conn, *rtmp.Stream) {
	t.Helper()
	url := "rtmp://" + conntest.Distant(t, addr, oneWay) + stream
	began := time.Now()
	c, err := rtmp.Dial(conntest.Context(t), url, &rtmp.Options{Pipelining: p, Publish: publish})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	s, err := c.CreateStream(conntest.Context(t), &rtmp.StreamOptions{Writable: publish})
	require.NoError(t, err)
	if !publish {
		require.NoError(t, s.ReadPacket(new(rtmp.Packet)))
	}
	t.Logf("%.1f round trips", float64(time.Since(began))/float64(2*oneWay))
	assert.Zero(t, c.Stats().PipelineFallbacks)
	return c, s
}

func TestPipeliningWithNginx(t *testing.T) {
	dir := t.TempDir()
	writeSample(t, dir, "sample.flv", 0)
	addr := programtest.Nginx(t, dir)
	for name, p := range pipelinings {
		t.Run("play "+name, func(t *testing.T) { openDistant(t, addr, "/vod/sample", false, p) })
		t.Run("publish and play live "+name, func(t *testing.T) {
			stream := "/live/" + name
			publisher, s := openDistant(t, addr, stream, true, p)
			_, err := s.Write(testserver.Sample)
			require.NoError(t, err)
			openDistant(t, addr, stream, false, p) // the server keeps the headers of the stream for later players
			require.NoError(t, s.Close())
			require.NoError(t, publisher.Close())
		})
	}
}

// TestPipeliningLongNginxRecording plays recordings that take ten minutes to watch. nginx-rtmp obeys the last buffer length that it gets, for
// whichever message stream, so it must be one that lets it send everything. The recordings are so small that they fit into the sockets'
// buffers: otherwise nginx-rtmp loses messages (docs/downloaders.md).
func TestPipeliningLongNginxRecording(t *testing.T) {
	t.Parallel()
	const length = 10 * time.Minute
	dir := t.TempDir()
	addr := programtest.Nginx(t, dir)
	for name, test := range map[string]struct {
		buffer   time.Duration
		duration time.Duration            // in the metadata
		time     func(sample int64) int64 // in ms, of a tag of the sample, which lasts 10,080 ms
	}{
		"raised buffer": {0, length, func(sample int64) int64 { return sample * length.Milliseconds() / 10_080 }},
		// The end of the recording is so far beyond the buffer that nginx-rtmp waits for a second. So a later buffer length arrives before the end
		// has been sent.
		"long buffer": {length, 0, func(sample int64) int64 {
			if sample < 5_040 {
				return sample * length.Milliseconds() / 5_040
			}
			return length.Milliseconds() + 2_000 + (sample-5_040)/10
		}},
	} {
		want := rtmptest.SampleTags(t)
		body, err := flv.AppendScript(nil, "onMetaData", amf.ECMAArray{{Name: "duration", Value: test.duration.Seconds()}})
		require.NoError(t, err)
		want[0].Body = body
		for i := range want {
			want[i].Timestamp = uint32(test.time(int64(want[i].Timestamp)))
		}
		file := strings.ReplaceAll(name, " ", "-")
		require.NoError(t, os.WriteFile(filepath.Join(dir, file+".flv"), rtmptest.File(want...), 0o644))
		for pipelining, p := range pipelinings {
			t.Run(name+", pipelining "+pipelining, func(t *testing.T) {
				t.Parallel()
				ctx := conntest.Context(t)
				c, err := rtmp.Dial(ctx, "rtmp://"+addr+"/vod/"+file, &rtmp.Options{Pipelining: p, Buffer: test.buffer, Timeout: 20 * time.Second})
				require.NoError(t, err)
				defer c.Close()
				s, err := c.CreateStream(ctx, nil)
				require.NoError(t, err)
				defer s.Bind(ctx)()
				received, err := io.ReadAll(s)
				require.NoError(t, err)
				got := rtmptest.Tags(t, received)
				require.Equal(t, len(want), len(got))
				for i := range want {
					require.Equal(t, want[i], got[i], "tag %d", i)
				}
			})
		}
	}
}

func TestPipeliningWithListeningFFmpeg(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "ffmpeg")
	if _, err := os.Stat(tcpTable); err != nil {
		t.Skip("needs " + tcpTable + ": ffmpeg serves only the first connection, so it can't be tested by connecting whether ffmpeg listens")
	}
	source := writeSample(t, t.TempDir(), "sample.flv", 0)
	for name, p := range pipelinings {
		t.Run("play "+name, func(t *testing.T) {
			port := conntest.UnusedPort(t)
			programtest.Start(t, "ffmpeg", "-v", "error", "-re", "-i", source, "-c", "copy", "-f", "flv", "-listen", "1", "rtmp://127.0.0.1:"+port+"/live/sample")
			untilBound(t, port)
			openDistant(t, "127.0.0.1:"+port, "/live/sample", false, p)
		})
		t.Run("publish "+name, func(t *testing.T) {
			port := conntest.UnusedPort(t)
			file := filepath.Join(t.TempDir(), "received.flv")
			programtest.Start(t, "ffmpeg", "-v", "error", "-listen", "1", "-i", "rtmp://127.0.0.1:"+port+"/live/sample", "-c", "copy", file)
			untilBound(t, port)
			c, s := openDistant(t, "127.0.0.1:"+port, "/live/sample", true, p)
			_, err := s.Write(testserver.Sample)
			require.NoError(t, err)
			require.NoError(t, errors.Join(s.Close(), c.Close()))
			require.Eventually(t, func() bool {
				info, err := os.Stat(file)
				return err == nil && info.Size() > int64(len(testserver.Sample))/2
			}, time.Minute, 50*time.Millisecond)
		})
	}
}

// tcpTable is the file in which Linux lists its TCP sockets.
const tcpTable = "/proc/net/tcp"

// untilBound waits until a port is in use, without connecting.
func untilBound(t *testing.T, port string) {
	t.Helper()
	var n int
	_, err := fmt.Sscan(port, &n)
	require.NoError(t, err)
	listening := fmt.Sprintf(":%04X 00000000:0000 0A", n)
	require.Eventually(t, func() bool {
		table, err := os.ReadFile(tcpTable)
		return err == nil && strings.Contains(string(table), listening)
	}, time.Minute, 20*time.Millisecond)
}
