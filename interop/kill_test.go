package interop

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// victim is a download that is killed after a random number of received bytes. More bytes may arrive before the signal takes effect.
type victim struct {
	mu    sync.Mutex
	limit int64
	cmd   *exec.Cmd // running
}

func (v *victim) passed(n int64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cmd != nil && n >= v.limit {
		v.cmd.Process.Kill()
		v.cmd = nil
	}
	return true
}

// run runs our rtmpdump, and reports whether it was killed.
func (v *victim) run(t *testing.T, limit int64, args ...string) (killed bool, code int, stderr string) {
	cmd := exec.CommandContext(conntest.Context(t), ourCommand(t), args...)
	var out bytes.Buffer
	cmd.Stderr = &out
	v.mu.Lock() // wait until cmd.Process is set
	v.limit, v.cmd = limit, cmd
	err := cmd.Start()
	v.mu.Unlock()
	require.NoError(t, err)
	cmd.Wait()
	v.mu.Lock()
	v.cmd = nil
	v.mu.Unlock()
	return !cmd.ProcessState.Exited(), cmd.ProcessState.ExitCode(), out.String()
}

// readable fails the test if a file that is not empty does not end with a whole tag or can't be read by ffprobe.
func readable(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if os.IsNotExist(err) || len(content) == 0 {
		return nil
	}
	require.NoError(t, err)
	_, err = testserver.Tags(content)
	require.NoError(t, err, "%d bytes", len(content))
	out := execute(t, "ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", file)
	require.Zero(t, out.code, "%d bytes: %s", len(content), out.stderr)
	require.Contains(t, out.stdout, "aac", "%d bytes", len(content))
	return content
}

// killed downloads from a server until the download has been killed a certain number of times, and compares each complete file with an
// uninterrupted download.
func killed(t *testing.T, addr, path string, kills int, seed uint64) {
	programtest.Need(t, "ffmpeg", "ffprobe")
	random := rand.New(rand.NewPCG(seed, 6))
	v := &victim{}
	r := startRelay(t, addr, 4_000_000, v.passed) // slow enough for the download to keep up
	url := "rtmp://" + r.Addr().String() + path
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.flv")
	require.Zero(t, dump(t, "-q", "-r", "rtmp://"+addr+path, "-o", whole).code)
	want, err := os.ReadFile(whole)
	require.NoError(t, err)
	wantPackets := packets(t, whole)

	file := filepath.Join(dir, "killed.flv")
	began, size, runs, continued := 0, 0, 0, 0
	for n := 0; n < kills; {
		wasKilled, code, stderr := v.run(t, random.Int64N(150_000), "-r", url, "-e", "-o", file)
		runs++
		content := readable(t, file)
		require.True(t, bytes.HasPrefix(want, content), "%d kills, %d bytes: %s", n, len(content), stderr)
		require.GreaterOrEqual(t, len(content), size, "the file must never shrink: %s", stderr)
		if size > 0 && len(content) > size {
			continued++
		}
		size = len(content)
		if wasKilled {
			n++
			continue
		}
		require.Zero(t, code, stderr)
		require.Equal(t, len(want), len(content), stderr)
		assert.Equal(t, wantPackets, packets(t, file))
		began, size = began+1, 0
		require.NoError(t, os.Remove(file))
	}
	for size != len(want) { // continue the file that the last kill has left
		require.Less(t, runs, kills+began+10)
		runs++
		out := dump(t, "-r", url, "-e", "-o", file)
		require.Zero(t, out.code, out.stderr)
		before := size
		if size = len(readable(t, file)); before > 0 && size > before {
			continued++
		}
	}
	assert.Equal(t, wantPackets, packets(t, file))
	assert.Positive(t, continued, "the downloads are killed too early to test anything")
	t.Logf("%d kills, %d files, continued %d times", kills, began+1, continued)
}

func TestKilled(t *testing.T) {
	t.Parallel()
	t.Run("testserver", func(t *testing.T) {
		s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"film": recordingOf(t, rtmptest.SampleTags(t), 10)}})
		killed(t, s.Addr(), "/vod/film", times(12, 200), 1)
	})
	t.Run("nginx", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "film.flv"), recordingOf(t, rtmptest.SampleTags(t), 10), 0o600))
		killed(t, programtest.Nginx(t, dir), "/vod/film.flv", times(6, 50), 2)
	})
}
