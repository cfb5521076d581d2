package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// slowly makes a server send one byte at a time, so that a test has time to interrupt the download.
func slowly(int) testserver.Fault { return testserver.Fault{Action: testserver.Dribble, At: 4000} }

func startServer(t *testing.T, cfg testserver.Config) string {
	t.Helper()
	cfg.Files = recordings(t)
	return rtmptest.Server(t, cfg).URL("vod", "sample")
}

// saved is the sample as RTMPDump saves it, without the end of sequence (a video message of five bytes).
var saved = testserver.Sample[:len(testserver.Sample)-20]

// TestSignals checks that after a signal the file consists of whole tags, and that the exit code is RTMPDump's.
func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such signals")
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		url := startServer(t, testserver.Config{Fault: slowly})
		file := filepath.Join(t.TempDir(), "out.flv")
		cmd := process(t, "-r", url, "-o", file, "--json")
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		var stdout bytes.Buffer
		cmd.Stdout = &stdout
		require.NoError(t, cmd.Start())
		said := bufio.NewReader(stderr)
		awaitText(t, said, " kB / ")
		require.NoError(t, cmd.Process.Signal(signal))
		rest, err := io.ReadAll(said)
		require.NoError(t, err)
		cmd.Wait()
		assert.Equal(t, exitIncomplete, cmd.ProcessState.ExitCode(), "%s", rest)
		assert.Contains(t, string(rest), "Caught signal")
		assert.Contains(t, string(rest), "try resuming")
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = testserver.Tags(got)
		require.NoError(t, err, "the file must consist of whole tags")
		var s summary
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &s))
		assert.Equal(t, "canceled", s.Outcome)
		assert.EqualValues(t, len(got), s.Size)
	}
}

// TestUnexpectedAnswer checks that nothing is printed with --quiet if a server of a tunnel sends more than was asked for. Package net/http
// logs that.
func TestUnexpectedAnswer(t *testing.T) {
	left := make(chan struct{}, 10)
	addr := conntest.Serve(t, func(nc net.Conn) {
		http.ReadRequest(bufio.NewReader(nc))
		io.WriteString(nc, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\nnot asked for")
		io.Copy(io.Discard, nc)
		left <- struct{}{}
	})
	cmd := process(t, "-q", "-r", "rtmpt://"+addr+"/vod/sample", "-o", filepath.Join(t.TempDir(), "out.flv"), "--recover")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	for range 2 { // at the second connection, all about the first has been logged
		<-left
	}
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	assert.Empty(t, stderr.String())
}

// TestSecondSignal checks that a later signal ends the program if the first can't, because nobody reads its output.
func TestSecondSignal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such signals")
	}
	url := startServer(t, testserver.Config{})
	cmd := process(t, "-r", url, "-o", "-")
	_, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer cmd.Process.Kill()
	lines := bufio.NewReader(stderr)
	awaitText(t, lines, "filesize") // the output is larger than a pipe's buffer
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	awaitText(t, lines, "Caught signal")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Process.Wait()
	}()
	require.Eventually(t, func() bool {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}, 30*time.Second, 100*time.Millisecond)
}

// awaitText reads until text has been read.
func awaitText(t *testing.T, r io.ByteReader, text string) {
	t.Helper()
	var said strings.Builder
	for !strings.Contains(said.String(), text) {
		b, err := r.ReadByte()
		require.NoError(t, err, "%s", said.String())
		said.WriteByte(b)
	}
}

func TestClosedPipe(t *testing.T) {
	url := startServer(t, testserver.Config{})
	cmd := process(t, "-r", url, "-o", "-")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	_, err = io.ReadFull(stdout, make([]byte, 1000))
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	cmd.Wait()
	assert.Equal(t, exitFailed, cmd.ProcessState.ExitCode(), "%s", stderr.String())
	assert.Contains(t, stderr.String(), "Failed writing standard output")
}

// TestFileSizeLimit checks that a file that has reached a size limit ends with a whole tag, and can be continued.
func TestFileSizeLimit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("how a limit is set depends on the system")
	}
	url := startServer(t, testserver.Config{})
	file := filepath.Join(t.TempDir(), "out.flv")
	command := process(t, "-r", url, "-o", file)
	limited := exec.Command("bash", append([]string{"-c", `ulimit -f 100; exec "$0" "$@"`}, command.Args...)...)
	limited.Env = command.Env
	out, err := limited.CombinedOutput()
	require.Error(t, err)
	assert.Equal(t, exitFailed, limited.ProcessState.ExitCode(), "%s", out)
	assert.Contains(t, string(out), "Failed writing")
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(saved, got))
	assert.Greater(t, len(got), 90_000, "the file must contain everything that was written")
	_, err = testserver.Tags(got)
	assert.NoError(t, err, "the file must consist of whole tags")
	process(t, "-e", "-r", url, "-o", file).Run()
	got, err = os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(saved, got))
}
