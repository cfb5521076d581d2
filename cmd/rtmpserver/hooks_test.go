package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
)

// backEnd is a web program for SRS's HTTP callbacks.
type backEnd struct {
	*httptest.Server
	mu     sync.Mutex
	events []map[string]any
	answer func(event map[string]any, w http.ResponseWriter)
}

func newBackEnd(t *testing.T, answer func(event map[string]any, w http.ResponseWriter)) *backEnd {
	b := &backEnd{answer: answer}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event map[string]any
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil || r.Method != http.MethodPost {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		b.mu.Lock()
		b.events = append(b.events, event)
		b.mu.Unlock()
		b.answer(event, w)
	}))
	t.Cleanup(b.Close)
	return b
}

// of returns the events of an action.
func (b *backEnd) of(action string) (found []map[string]any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e["action"] == action {
			found = append(found, e)
		}
	}
	return found
}

// await waits for the first event of an action.
func (b *backEnd) await(t *testing.T, action string) map[string]any {
	t.Helper()
	require.Eventually(t, func() bool { return len(b.of(action)) > 0 }, patience, 10*time.Millisecond, action)
	return b.of(action)[0]
}

// TestHooks checks every callback of SRS, with its fields.
func TestHooks(t *testing.T) {
	t.Parallel()
	b := newBackEnd(t, func(event map[string]any, w http.ResponseWriter) {
		if event["action"] == "on_publish" {
			w.Write([]byte("0"))
			return
		}
		w.Write([]byte(`{"code": 0, "data": null}`))
	})
	dir := t.TempDir()
	c := start(t, "--hook", b.URL, "-r", dir, "-k", "--http", "127.0.0.1:0", "--linger", "-1s")
	publication := publish(t, c.url("live/x?token=abc"))
	e := b.await(t, "on_connect")
	assert.Equal(t, "127.0.0.1", e["ip"])
	assert.Equal(t, "live", e["app"])
	assert.Equal(t, "__defaultVhost__", e["vhost"])
	assert.Equal(t, c.url("live"), e["tcUrl"])
	assert.NotEmpty(t, e["server_id"])
	assert.Contains(t, e, "pageUrl", "also if it is empty")
	publisher := e["client_id"]
	e = b.await(t, "on_publish")
	assert.Equal(t, publisher, e["client_id"])
	assert.Equal(t, "x", e["stream"])
	assert.Equal(t, "?token=abc", e["param"])
	assert.Equal(t, "/live/x", e["stream_url"])

	p := play(t, c.url("live/x"))
	p.takes(10)
	e = b.await(t, "on_play")
	assert.NotEqual(t, publisher, e["client_id"])
	assert.Equal(t, "", e["param"])
	c.view("/live/x.flv?a=b", "FLV")
	require.Eventually(t, func() bool { return len(b.of("on_stop")) > 0 }, patience, 10*time.Millisecond)
	require.Len(t, b.of("on_play"), 2)
	assert.Equal(t, "?a=b", b.of("on_play")[1]["param"])
	assert.Equal(t, b.of("on_play")[1]["client_id"], b.of("on_stop")[0]["client_id"])

	publication.stop()
	e = b.await(t, "on_dvr")
	assert.Equal(t, filepath.Join(dir, "live", "x.flv"), e["file"])
	assert.NotEmpty(t, e["cwd"])
	b.await(t, "on_unpublish")
	e = b.await(t, "on_close")
	assert.Equal(t, publisher, e["client_id"])
	assert.Greater(t, e["recv_bytes"], 10_000.0)
	assert.Greater(t, e["send_bytes"], 0.0)

	p.conn.Close()
	require.Eventually(t, func() bool { return len(b.of("on_close")) == 2 }, patience, 10*time.Millisecond)
	c.signal(os.Interrupt)
	assert.Equal(t, exitSuccess, c.wait())
}

// TestHookDown checks what happens if the back end can't be reached.
func TestHookDown(t *testing.T) {
	t.Parallel()
	b := newBackEnd(t, nil)
	b.Close()
	c := start(t, "--hook", b.URL+"/?secret=hidden")
	_, err := tryPublish(t, c.url("live/x"))
	assert.Error(t, err)
	c.await("no answer from the hook")
	assert.NotContains(t, c.text(), "hidden")
}

// TestUnexpectedAnswerOfAHook checks that the log is JSON if the hook's server sends more than was asked for. Package net/http logs that.
func TestUnexpectedAnswerOfAHook(t *testing.T) {
	t.Parallel()
	hook := conntest.Serve(t, func(nc net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(nc))
		if err != nil {
			return
		}
		io.Copy(io.Discard, request.Body)
		io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n0not asked for")
		io.Copy(io.Discard, nc)
	})
	c := start(t, "--hook", "on_connect=http://"+hook+"/", "--log", "json", "-d")
	conn, err := rtmp.Dial(conntest.Context(t), c.url("live"), nil)
	require.NoError(t, err)
	defer conn.Close()
	c.await("not asked for")
	for line := range strings.Lines(c.text()) {
		if strings.Contains(line, "not asked for") {
			assert.True(t, json.Valid([]byte(line)), line)
		}
	}
}
