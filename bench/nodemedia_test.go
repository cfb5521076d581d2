package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// missing skips the test, or fails it in CI.
func missing(t testing.TB, text string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(text)
	}
	t.Skip(text)
}

func need(t testing.TB, programs ...string) {
	t.Helper()
	packages := map[string]string{"node": "nodejs", "npm": "npm", "ffmpeg": "ffmpeg"}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, fmt.Sprintf("%s is missing: apt-get install %s", program, packages[program]))
		}
	}
}

// nodeMedia is a running node-media-server.
type nodeMedia struct {
	out  *bufio.Reader
	in   io.Writer
	addr string
}

// nodeMediaFolder returns a folder in which node-media-server is installed from npm, at the versions that the lock file names. It is made
// once, and TestMain removes it.
var nodeMediaFolder = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp(scratch, "nodemedia"); err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, os.DirFS("testdata/nodemedia")); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = dir
	install.WaitDelay = time.Second
	if text, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm can't install node-media-server: %w: %s", err, text)
	}
	return dir, nil
})

// startNodeMedia runs node-media-server.
func startNodeMedia(t *testing.T) *nodeMedia {
	t.Helper()
	need(t, "node", "npm")
	dir, err := nodeMediaFolder()
	if err != nil {
		missing(t, err.Error())
	}
	cmd := exec.CommandContext(testContext(t), "node", "server.js", t.TempDir())
	cmd.Dir = dir
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("node-media-server: %s", complaints.String())
		}
	})
	n := &nodeMedia{out: bufio.NewReader(out), in: in}
	n.addr = "127.0.0.1:" + n.wait(t, "listens on ")
	return n
}

// wait reads the server's output up to a line of server.js that begins with prefix, and returns the rest of that line.
func (n *nodeMedia) wait(t *testing.T, what string) string {
	t.Helper()
	for {
		line, err := n.out.ReadString('\n')
		require.NoError(t, err, "waiting for %q", what)
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "* "+what); ok {
			return rest
		}
	}
}

func (n *nodeMedia) url(name string) string { return "rtmp://" + n.addr + "/live/" + name }

// player plays a live stream, which need not exist yet.
func player(t *testing.T, url string) *rtmp.Stream {
	t.Helper()
	_, s := open(t, url, false)
	require.NoError(t, s.SetReadDeadline(time.Now().Add(testTimeout)))
	return s
}

// publish publishes an FLV file.
func publish(t *testing.T, url string, file []byte) {
	t.Helper()
	c, s := open(t, url, true)
	_, err := s.Write(file)
	require.NoError(t, err)
	require.NoError(t, c.Close())
}

// readMedia reads n audio and video packets. node-media-server never tells players that a stream has ended.
func readMedia(t *testing.T, s *rtmp.Stream, n int) (got []rtmp.Packet) {
	t.Helper()
	for len(got) < n {
		var p rtmp.Packet
		require.NoError(t, s.ReadPacket(&p), "after %d of %d packets", len(got), n)
		if p.Type == message.TypeAudio || p.Type == message.TypeVideo {
			got = append(got, p)
		}
	}
	return got
}

func TestNodeMedia(t *testing.T) {
	n := startNodeMedia(t)
	for _, media := range streams(t) {
		t.Run("relays "+media.name, func(t *testing.T) {
			url := n.url(strings.Map(letters, media.name))
			s := player(t, url)
			publish(t, url, media.file())
			assertPackets(t, media, readMedia(t, s, len(media.packets)))
		})
	}
	t.Run("relays to ffmpeg", n.relaysToFFmpeg)
	t.Run("pulls from this library's server", n.pulls)
}

func (n *nodeMedia) relaysToFFmpeg(t *testing.T) {
	need(t, "ffmpeg")
	url := n.url("ffmpeg")
	type result struct {
		lines []string
		err   error
	}
	played := make(chan result, 1)
	ctx := testContext(t)
	go func() {
		lines, err := frames(ctx, "-rtmp_live", "live", "-i", url)
		played <- result{lines, err}
	}()
	n.wait(t, "plays /live/ffmpeg")
	publish(t, url, testserver.Sample)
	file := filepath.Join(t.TempDir(), "sample.flv")
	require.NoError(t, os.WriteFile(file, testserver.Sample, 0o600))
	want, err := frames(ctx, "-i", file)
	require.NoError(t, err)
	require.NotEmpty(t, want)
	got := <-played
	require.NoError(t, got.err)
	assert.Equal(t, want, got.lines)
}

func (n *nodeMedia) pulls(t *testing.T) {
	source := startServer(t, testserver.Config{}).URL("live", "source")
	s := player(t, n.url("pulled"))
	_, err := fmt.Fprintln(n.in, source)
	require.NoError(t, err)
	n.wait(t, "publishes /live/pulled")
	media := sample(t, 0)
	publish(t, source, media.file())
	assertPackets(t, media, readMedia(t, s, len(media.packets)))
}

// letters removes the characters that node-media-server does not allow in a stream's name.
func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

// frames returns what ffmpeg finds in the first five seconds of an input: a line for each packet with times, size and MD5.
func frames(ctx context.Context, input ...string) (lines []string, err error) {
	args := append([]string{"-v", "error"}, input...)
	cmd := exec.CommandContext(ctx, "ffmpeg", append(args, "-t", "5", "-map", "0", "-c", "copy", "-f", "framemd5", "-")...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines, err
}
