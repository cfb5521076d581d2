package interop

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// smallDisk is a shell script that runs a command with a disk of 100 kB mounted on $1, in a new mount namespace, and then copies the files
// on it to $2.
const smallDisk = `mount -t tmpfs -o size=100k none "$1" || exit 99
	disk=$1 saved=$2; shift 2; "$@"; code=$?; cp "$disk"/* "$saved"; exit $code`

// TestDiskFull fills a disk during a download. The file consists of whole tags, and can be continued where there is room.
func TestDiskFull(t *testing.T) {
	programtest.Need(t, "unshare", "mount")
	url := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"film": film(t)}}).URL("vod", "film")
	_, want := saved(t, url)
	disk, rescued := t.TempDir(), t.TempDir()
	for _, more := range []string{"-q", "-e", "--recover"} {
		out := execute(t, "unshare", "-Urm", "sh", "-c", smallDisk, "sh", disk, rescued,
			ourCommand(t), "-r", url, "-o", filepath.Join(disk, "out.flv"), more)
		if out.code == 99 || bytes.Contains([]byte(out.stderr), []byte("unshare failed")) {
			t.Skip("can't mount a disk: ", out.stderr)
		}
		assert.Equal(t, 1, out.code, out.stderr)
		if more != "-q" {
			assert.Contains(t, out.stderr, "ERROR: Failed writing "+filepath.Join(disk, "out.flv")+", exiting! The disk is full")
		}
		file := filepath.Join(rescued, "out.flv")
		got := readable(t, file)
		assert.True(t, bytes.HasPrefix(want, got))
		assert.Greater(t, len(got), 80<<10, "the small disk must be used")

		out = dump(t, "-r", url, "-e", "-o", file)
		assert.Zero(t, out.code, out.stderr)
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got))
	}
}

// TestUnwritable checks that an output that can't be written is reported clearly, before anything is played.
func TestUnwritable(t *testing.T) {
	url := rtmptest.Server(t, testserver.Config{}).URL("vod", "sample")
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("not a folder"), 0o600))
	for _, test := range []struct {
		name, output, says string
	}{
		{"a folder", dir, "is a directory"},
		{"in a file", filepath.Join(file, "out.flv"), "not a directory"},
		{"in a folder that is not there", filepath.Join(dir, "nosuch", "out.flv"), "no such file or directory"},
		{"a device that is full", "/dev/full", "The disk is full"},
		{"nothing", "", "no such file"},
	} {
		for _, more := range [][]string{nil, {"-e"}} {
			if test.output == "/dev/full" && more != nil {
				continue // reading it never ends
			}
			t.Run(test.name, func(t *testing.T) {
				out := dump(t, append([]string{"-r", url, "-o", test.output}, more...)...)
				assert.Equal(t, 1, out.code)
				assert.Contains(t, out.stderr, "ERROR: Failed ")
				assert.Contains(t, out.stderr, test.says)
			})
		}
	}
	t.Run("not allowed", func(t *testing.T) {
		locked := filepath.Join(dir, "locked.flv")
		require.NoError(t, os.WriteFile(locked, []byte("kept"), 0o400))
		if f, err := os.OpenFile(locked, os.O_WRONLY, 0); err == nil {
			f.Close()
			t.Skip("this user may write to any file")
		}
		out := dump(t, "-r", url, "-o", locked)
		assert.Equal(t, 1, out.code)
		assert.Contains(t, out.stderr, "permission denied")
	})
}

// TestPipeClosedEarly checks that rtmpdump ends when the reader closes the pipe, although the stream continues.
func TestPipeClosedEarly(t *testing.T) {
	url := rtmptest.Server(t, testserver.Config{}).URL("vod", "sample")
	for _, n := range []int64{0, 1, 1000, 100_000} {
		cmd := exec.CommandContext(conntest.Context(t), ourCommand(t), "-r", url, "-o", "-")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		r, w, err := os.Pipe()
		require.NoError(t, err)
		cmd.Stdout = w
		require.NoError(t, cmd.Start())
		w.Close()
		got, err := io.ReadAll(io.LimitReader(r, n))
		require.NoError(t, err)
		r.Close()
		assert.Equal(t, 1, exitCode(cmd.Wait()), "%d bytes", n)
		assert.Contains(t, stderr.String(), "ERROR: Failed writing standard output, exiting! The reader has closed it")
		assert.True(t, bytes.Equal(testserver.Sample[:n], got))
	}
}

// TestMessagesClosedEarly closes the reader of the messages, which happens when a downloader is killed. rtmpdump has to end, since the
// downloader may soon be started again and start another rtmpdump with the same file.
func TestMessagesClosedEarly(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"film": film(t)}})
	_, want := saved(t, s.URL("vod", "film"))
	r := startRelay(t, s.Addr(), 200_000, nil)
	file := filepath.Join(t.TempDir(), "out.flv")
	cmd := exec.CommandContext(conntest.Context(t), ourCommand(t), "-r", "rtmp://"+r.Addr().String()+"/vod/film", "-o", file)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	text := ""
	for b := make([]byte, 100); !strings.Contains(text, "sec ("); text += string(b) {
		_, err := stderr.Read(b)
		require.NoError(t, err)
	}
	require.NoError(t, stderr.Close())
	assert.Equal(t, 2, exitCode(cmd.Wait()), "rtmpdump ends with the exit code for a file that can be resumed")
	got := readable(t, file)
	assert.Less(t, len(got), len(want)*3/4)
	assert.True(t, bytes.HasPrefix(want, got))
}
