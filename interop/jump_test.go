package interop

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/download"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
)

// TestNginxTimesThatJump plays recordings whose timestamps jump. Before a jump, nginx-rtmp waits until the time has passed or is within
// the client's buffer. One jump is to 4:39, as in a recording of a stream that had been running. The other one is longer than
// rtmpdump's buffer of 10 h.
func TestNginxTimesThatJump(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "ffmpeg")
	dir := t.TempDir()
	addr := programtest.Nginx(t, dir)
	for name, shift := range map[string]uint32{"late": 1<<24 - 5000, "later": 50 * 3600 * 1000} {
		t.Run(name, func(t *testing.T) {
			source := writeSample(t, dir, name+".flv", shift)
			url := "rtmp://" + addr + "/vod/" + name
			path := filepath.Join(t.TempDir(), "ours.flv")
			result, err := download.File(conntest.Context(t), url, path, &download.Options{RTMP: &rtmp.Options{Timeout: 10 * time.Second}})
			require.NoError(t, err, "%+v", result)
			assert.Equal(t, packets(t, source), packets(t, path))
		})
	}
	t.Run("examples/play", func(t *testing.T) {
		source := writeSample(t, dir, "example.flv", 1<<24-5000)
		path := filepath.Join(t.TempDir(), "ours.flv")
		program := filepath.Join(t.TempDir(), "play")
		out, err := exec.Command("go", "build", "-o", program, "github.com/go-librtmp/rtmp/examples/play").CombinedOutput()
		require.NoError(t, err, "%s", out)
		programtest.Run(t, program, "-timeout", "20s", "-o", path, "rtmp://"+addr+"/vod/example")
		assert.Equal(t, packets(t, source), packets(t, path))
	})
}
