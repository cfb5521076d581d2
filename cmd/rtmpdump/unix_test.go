//go:build !windows

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/testserver"
)

// yt-dlp starts us as rtmpdump, shows our progress, and makes us go on when it was killed.
func TestYtDlp(t *testing.T) {
	need(t, "yt-dlp")
	bin := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(bin, "rtmpdump")))
	url := startServer(t, testserver.Config{Fault: func(n int) testserver.Fault {
		if n == 0 {
			return testserver.Fault{Action: testserver.Stall, At: 150_000}
		}
		return slowly(n)
	}})
	file := filepath.Join(t.TempDir(), "out.flv")
	start := func() (*exec.Cmd, io.Reader) {
		cmd := exec.Command("yt-dlp", "--newline", "--no-cache-dir", "--ignore-config", "-o", file, url)
		cmd.Env = append(os.Environ(), beCommand+"=1", "PYTHONUNBUFFERED=1", "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		cmd.Stderr = cmd.Stdout
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that it can be killed together with us
		require.NoError(t, cmd.Start())
		return cmd, out
	}
	percents := regexp.MustCompile(`([0-9.]+)% of`)
	cmd, out := start()
	require.Eventually(t, func() bool { // as far as the server goes
		part, err := os.ReadFile(file + ".part")
		return err == nil && len(part) > 140_000
	}, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
	io.Copy(io.Discard, out)
	cmd.Wait()
	part, err := os.ReadFile(file + ".part")
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(saved, part))
	require.Less(t, len(part), len(saved))

	cmd, out = start()
	said, err := io.ReadAll(out)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait(), "%s", said)
	assert.NotEmpty(t, percents.FindAll(said, -1), "%s", said)
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(saved, got))
}

// A named pipe is written like standard output, over lost connections as well.
func TestNamedPipe(t *testing.T) {
	url := startServer(t, testserver.Config{Fault: func(n int) testserver.Fault {
		if n < 2 {
			return testserver.Fault{Action: testserver.Cut, At: 80_000}
		}
		return testserver.Fault{}
	}})
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	cmd := process(t, "-q", "-r", url, "-o", pipe, "--recover")
	require.NoError(t, cmd.Start())
	got, err := os.ReadFile(pipe)
	require.NoError(t, err)
	cmd.Wait()
	assert.True(t, bytes.Equal(saved, got), "%d bytes", len(got))
}
