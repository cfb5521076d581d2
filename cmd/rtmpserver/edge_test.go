package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
)

// metric asserts that a metric reaches a value.
func (c *command) metric(line string) {
	c.t.Helper()
	c.metricWithin(line, patience)
}

func (c *command) metricWithin(line string, limit time.Duration) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		_, body := c.get("GET", "/metrics")
		return strings.Contains(body, "\n"+line+"\n")
	}, limit, 20*time.Millisecond, line)
}

// TestOriginAndEdges runs an origin, two edges and their players. Each edge must connect to the origin only once. When the origin is killed
// or terminated and started again, the players must stay connected.
func TestOriginAndEdges(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]os.Signal{"killed": os.Kill, "terminated": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testOriginAndEdges(t, end)
		})
	}
}

func testOriginAndEdges(t *testing.T, end os.Signal) {
	port := conntest.UnusedPort(t)
	web := []string{"--http", "127.0.0.1:0"}
	origin := start(t, append(web, "-p", port)...)
	first := publish(t, origin.url("live/x"))
	var players []*player
	var edges []*command
	for range 2 {
		e := start(t, append(web, "--pull", origin.url("live/"), "--pull-idle", "100ms", "--linger", "-1s")...)
		edges = append(edges, e)
		players = append(players, play(t, e.url("live/x")), play(t, e.url("live/x")))
	}
	for _, p := range players {
		p.takes(5)
	}
	origin.metric("rtmp_players 2")

	origin.signal(end)
	for _, e := range edges {
		e.await("again in")
	}
	first.stop()
	origin.wait()
	origin = start(t, append(web, "-p", port)...)
	publish(t, origin.url("live/x"))
	for _, p := range players {
		p.takes(int(first.sent.Load())) // including the five pictures above, more than were sent before the restart
		p.conn.Close()
	}
	for _, e := range edges {
		e.metric("rtmp_players 0")
		e.metric("rtmp_streams 0")
	}
	origin.metric("rtmp_players 0")
}

// TestRecordingAskedOfEdge checks a client that does not ask for a live stream, so that it may get a recording. It must also get the live
// stream, even if it is the first player.
func TestRecordingAskedOfEdge(t *testing.T) {
	t.Parallel()
	origin := start(t)
	publish(t, origin.url("live/x"))
	e := start(t, "--pull", "rtmp://"+origin.rtmp)
	playAny(t, e.url("live/x"), nil).takes(5)
}

// TestRecordingAtTheEdge checks that an edge records the streams that it fetches, and calls the hook for these recordings.
func TestRecordingAtTheEdge(t *testing.T) {
	t.Parallel()
	origin := start(t)
	publish(t, origin.url("live/x"))
	b := newBackEnd(t, func(_ map[string]any, w http.ResponseWriter) { w.Write([]byte("0")) })
	dir := t.TempDir()
	e := start(t, "--pull", "rtmp://"+origin.rtmp, "--pull-idle", "1ms", "-r", dir, "-k", "--record-name", "{path}-{time}", "--hook", b.URL)
	for n := range 2 { // the player must get the live stream, not the recording
		p := play(t, e.url("live/x"))
		p.takes(20)
		p.conn.Close()
		require.Eventually(t, func() bool { return len(b.of("on_dvr")) > n }, patience, 10*time.Millisecond)
	}
	files, err := filepath.Glob(filepath.Join(dir, "live", "x-*.flv"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	for i, file := range files {
		complete(t, file)
		assert.Equal(t, file, b.of("on_dvr")[i]["file"])
		assert.Equal(t, "x", b.of("on_dvr")[i]["stream"])
		assert.Equal(t, "live", b.of("on_dvr")[i]["app"])
	}
}

// TestEndAtTheOrigin checks that a stream ends at the edge when it has ended at the origin.
func TestEndAtTheOrigin(t *testing.T) {
	t.Parallel()
	origin := start(t, "--linger", "-1s")
	publication := publish(t, origin.url("live/x"))
	e := start(t, "--pull", "rtmp://"+origin.rtmp, "--linger", "100ms")
	p := play(t, e.url("live/x"))
	p.takes(5)
	publication.stop()
	assert.True(t, p.ends())
}

// TestLoops checks that a server refuses a connection by which it would fetch a stream from itself, directly or through another server.
func TestLoops(t *testing.T) {
	t.Parallel()
	port := conntest.UnusedPort(t)
	web := []string{"--http", "127.0.0.1:0", "--pull-idle", "100ms"}
	a := start(t, append(web, "-p", port, "--pull", "rtmp://127.0.0.1:"+port)...)
	p := play(t, a.url("live/x"))
	a.await("a loop")
	publish(t, a.url("live/x"))
	p.takes(5)
	p.conn.Close()
	a.metric("rtmp_players 0")

	port = conntest.UnusedPort(t)
	b := start(t, append(web, "--pull", "rtmp://127.0.0.1:"+port)...)
	c := start(t, append(web, "-p", port, "--pull", "rtmp://"+b.rtmp)...)
	p = play(t, b.url("live/x"))
	c.await("a loop")
	p.conn.Close()
	b.metric("rtmp_connections 0")
	c.metric("rtmp_connections 0")

	port = conntest.UnusedPort(t)
	d := start(t, append(web, "--push", "rtmp://127.0.0.1:"+port)...)
	e := start(t, append(web, "-p", port, "--push", "rtmp://"+d.rtmp)...)
	publish(t, d.url("live/x"))
	play(t, e.url("live/x")).takes(5)
	e.await("a loop")
	d.metric("rtmp_publishers 1")
}

// TestPullFromNginx runs an edge that fetches streams from nginx-rtmp for its players.
func TestPullFromNginx(t *testing.T) {
	t.Parallel()
	nginx := programtest.Nginx(t, t.TempDir())
	ffmpeg(t, "rtmp://"+nginx+"/live/x")
	e := start(t, "--pull", "rtmp://"+nginx+"/live/", "--http", "127.0.0.1:0")
	e.view("/any/x.flv", "FLV")
	play(t, e.url("any/x")).takes(30)
}

// TestPushToNginx runs an edge that publishes its streams to nginx-rtmp.
func TestPushToNginx(t *testing.T) {
	t.Parallel()
	nginx := programtest.Nginx(t, t.TempDir())
	other := start(t)
	e := start(t, "--push", "rtmp://"+nginx, "--push", "rtmp://"+other.rtmp+"/other/fixed")
	ffmpeg(t, e.url("live/x"))
	play(t, "rtmp://"+nginx+"/live/x").takes(30)
	play(t, other.url("other/fixed")).takes(30)
	play(t, e.url("live/x")).takes(1)
}
