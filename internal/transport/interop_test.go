package transport_test

import (
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// tunnelTo starts a tunnel server in front of an RTMP server, and returns the URL of its application live.
func tunnelTo(t *testing.T, s *testserver.Server) string {
	tunnels := transport.NewTunnelServer(func(nc net.Conn) {
		plain, err := net.Dial("tcp", s.Addr())
		if err != nil {
			return
		}
		defer plain.Close()
		var copying sync.WaitGroup
		copying.Go(func() {
			io.Copy(nc, plain)
			nc.Close()
		})
		io.Copy(plain, nc)
		plain.(*net.TCPConn).CloseWrite()
		copying.Wait()
	})
	web := httptest.NewServer(tunnels)
	t.Cleanup(func() {
		s.Close()
		tunnels.Close()
		web.Close()
	})
	return "rtmpt://" + strings.TrimPrefix(web.URL, "http://") + "/live/"
}

func TestTunnelServesRtmpdump(t *testing.T) {
	programtest.Need(t, "rtmpdump")
	url := tunnelTo(t, rtmptest.Server(t, testserver.Config{}))
	path := filepath.Join(t.TempDir(), "out.flv")
	out := programtest.Run(t, "rtmpdump", "-r", url+"sample", "-o", path)
	file, err := os.ReadFile(path)
	require.NoError(t, err, out)
	// librtmp drops video of five bytes or fewer, such as the end of sequence in the sample.
	assert.Equal(t, len(rtmptest.SampleTags(t))-1, len(rtmptest.Tags(t, file)))
}

func TestTunnelServesFFmpeg(t *testing.T) {
	programtest.Need(t, "ffmpeg")
	s, recorded := rtmptest.Recorder(t, testserver.Config{})
	url := tunnelTo(t, s)
	path := filepath.Join(t.TempDir(), "out.flv")
	out := programtest.Run(t, "ffmpeg", "-v", "error", "-i", url+"sample", "-c", "copy", "-y", path)
	file, err := os.ReadFile(path)
	require.NoError(t, err, out)
	assert.GreaterOrEqual(t, len(rtmptest.Tags(t, file)), len(rtmptest.SampleTags(t))-1)
	programtest.Run(t, "ffmpeg", "-v", "error", "-i", path, "-c", "copy", "-f", "flv", url+"published")
	// FFmpeg discards unsent data when it closes a tunnel.
	assert.Greater(t, len(rtmptest.Tags(t, recorded("published"))), len(rtmptest.SampleTags(t))*9/10)
}
