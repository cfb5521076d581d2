package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// dirEnv makes the test binary run main with a folder.
const dirEnv = "SERVER_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirEnv); dir != "" {
		os.Args = []string{"server", dir}
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// TestServer checks that publishers need a key, that players do not, and that a stream can be played after it has ended.
func TestServer(t *testing.T) {
	dir := t.TempDir()
	srv := newServer(dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	defer func() {
		srv.Close()
		assert.ErrorIs(t, <-done, server.ErrServerClosed)
	}()
	url := "rtmp://" + l.Addr().String() + "/live/"

	other, err := rtmp.Dial(t.Context(), url+"guessed", &rtmp.Options{Publish: true})
	require.NoError(t, err)
	defer other.Close()
	_, err = other.CreateStream(t.Context(), &rtmp.StreamOptions{Writable: true})
	var refused *rtmp.StatusError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, message.CodePublishDenied, refused.Code)

	c, err := rtmp.Dial(t.Context(), url+"secret", &rtmp.Options{Publish: true})
	require.NoError(t, err)
	defer c.Close()
	out, err := c.CreateStream(t.Context(), &rtmp.StreamOptions{Writable: true})
	require.NoError(t, err)
	_, err = out.Write(testserver.Sample)
	require.NoError(t, err)
	require.NoError(t, play(t, url+"alice", &rtmp.Options{Live: true, Stop: time.Second}))
	require.NoError(t, out.Close())
	require.Eventually(t, func() bool { return len(srv.Stats().Streams) == 0 }, 20*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool { // the recording is written after the stream has left the statistics
		info, err := os.Stat(filepath.Join(dir, "live", "alice.flv"))
		return err == nil && info.Size() > int64(len(testserver.Sample)/2)
	}, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, play(t, url+"alice", &rtmp.Options{Buffer: time.Hour}))
}

func play(t *testing.T, url string, o *rtmp.Options) error {
	t.Helper()
	c, err := rtmp.Dial(t.Context(), url, o)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.CreateStream(t.Context(), nil)
	if err != nil {
		return err
	}
	_, err = io.ReadFull(s, make([]byte, 1000))
	return err
}

// TestPortInUse checks that the exit status is not 0 if the server cannot listen.
func TestPortInUse(t *testing.T) {
	if l, err := net.Listen("tcp", ":1935"); err == nil { // otherwise another program uses the port
		defer l.Close()
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), dirEnv+"="+t.TempDir())
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	require.ErrorAs(t, err, &failed)
	assert.Contains(t, string(out), "listen tcp")
}
