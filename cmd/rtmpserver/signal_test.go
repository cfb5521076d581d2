package main

import (
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/testserver"
)

// interrupted starts a server that records a stream with a player, and sends it SIGINT.
func interrupted(t *testing.T, args ...string) (_ *command, _ *player, recording string) {
	t.Helper()
	dir := t.TempDir()
	c := start(t, append(args, "-r", dir, "-k")...)
	publish(t, c.url("live/x"))
	p := play(t, c.url("live/x"))
	p.takes(10)
	c.signal(os.Interrupt)
	c.await("shutting down")
	return c, p, filepath.Join(dir, "live", "x.flv")
}

// complete asserts that a file consists of whole tags.
func complete(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	tags, err := testserver.Tags(b)
	require.NoError(t, err)
	assert.Greater(t, len(tags), 10)
}

// TestInterrupted checks that after SIGINT recordings are complete, and that players and hooks are notified.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	b := newBackEnd(t, func(_ map[string]any, w http.ResponseWriter) { w.Write([]byte("0")) })
	c, p, recording := interrupted(t, "--hook", b.URL, "--http", "127.0.0.1:0")
	status, _ := c.get("GET", "/healthz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.True(t, p.ends(), "the player sees the end of the stream")
	p.conn.Close()
	assert.Equal(t, exitSuccess, c.wait())
	complete(t, recording)
	for action, times := range map[string]int{"on_stop": 1, "on_dvr": 1, "on_unpublish": 1, "on_close": 2} {
		assert.Len(t, b.of(action), times, action)
	}
}

// TestInterruptedAgain checks that a second signal ends the wait for clients, and that recordings are still complete.
func TestInterruptedAgain(t *testing.T) {
	t.Parallel()
	c, _, recording := interrupted(t)
	c.signal(os.Interrupt)
	assert.Equal(t, exitSuccess, c.wait())
	complete(t, recording)
}

// TestTerminated checks that SIGTERM has the same effect as SIGINT.
func TestTerminated(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.signal(syscall.SIGTERM)
	assert.Equal(t, exitSuccess, c.wait())
}
