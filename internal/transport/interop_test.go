package transport_test

import (
	"context"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// tunnelTo starts a tunnel server in front of an RTMP server, and returns the URL of its application live.
func tunnelTo(t *testing.T, s *testserver.Server) string {
	tunnels := transport.NewTunnelServer(func(nc net.Conn) {
		behind, err := net.Dial("tcp", s.Addr())
		if err != nil {
			return
		}
		defer behind.Close()
		var copying sync.WaitGroup
		copying.Go(func() {
			io.Copy(nc, behind)
			nc.Close()
		})
		io.Copy(behind, nc)
		behind.(*net.TCPConn).CloseWrite()
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

// run runs a program, if there is one. Its output is returned.
func run(t *testing.T, name string, args ...string) (string, error) {
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: apt-get install %s", name, name)
		}
		t.Skipf("%s is missing: apt-get install %s", name, name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func tags(t *testing.T, file []byte) []flv.Tag {
	all, err := testserver.Tags(file)
	require.NoError(t, err)
	return all
}

func TestTunnelServesRtmpdump(t *testing.T) {
	s, err := testserver.Start(testserver.Config{Files: map[string][]byte{"sample": testserver.Sample}})
	require.NoError(t, err)
	url := tunnelTo(t, s)
	path := filepath.Join(t.TempDir(), "out.flv")
	out, err := run(t, "rtmpdump", "-r", url+"sample", "-o", path)
	if exit := (*exec.ExitError)(nil); err != nil {
		require.ErrorAs(t, err, &exit, out)
		require.Equal(t, 2, exit.ExitCode(), out) // its way of saying that the last packet begins before the end
	}
	file, err := os.ReadFile(path)
	require.NoError(t, err, out)
	// librtmp drops video of five bytes or fewer, like the end of sequence here.
	assert.Equal(t, len(tags(t, testserver.Sample))-1, len(tags(t, file)))
}

func TestTunnelServesFFmpeg(t *testing.T) {
	recorded := t.TempDir()
	s, err := testserver.Start(testserver.Config{Files: map[string][]byte{"sample": testserver.Sample}, RecordDir: recorded})
	require.NoError(t, err)
	url := tunnelTo(t, s)
	path := filepath.Join(t.TempDir(), "out.flv")
	out, err := run(t, "ffmpeg", "-v", "error", "-i", url+"sample", "-c", "copy", "-y", path)
	require.NoError(t, err, out)
	file, err := os.ReadFile(path)
	require.NoError(t, err, out)
	assert.GreaterOrEqual(t, len(tags(t, file)), len(tags(t, testserver.Sample))-1)
	out, err = run(t, "ffmpeg", "-v", "error", "-i", path, "-c", "copy", "-f", "flv", url+"published")
	assert.NoError(t, err, out)
	s.Close()
	file, err = os.ReadFile(filepath.Join(recorded, "published.flv"))
	require.NoError(t, err, out)
	// FFmpeg throws away what it has not sent yet when it closes a tunnel.
	assert.Greater(t, len(tags(t, file)), len(tags(t, testserver.Sample))*9/10)
}
