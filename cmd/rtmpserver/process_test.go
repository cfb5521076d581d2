package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// beCommand is an environment variable that makes this test binary run the command. It is for tests that need a separate process.
const beCommand = "BE_RTMPSERVER"

func TestMain(m *testing.M) {
	if os.Getenv(beCommand) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// command is the command in a separate process.
type command struct {
	t     testing.TB
	cmd   *exec.Cmd
	ended chan struct{}
	rtmp  string // host:port for each protocol; "" if the command does not listen there
	rtmps string
	http  string
	https string

	mu     sync.Mutex
	output bytes.Buffer // logs and URLs
	news   chan struct{}
}

// Write receives the output of the command.
func (c *command) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default:
	}
	return c.output.Write(b)
}

func (c *command) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.output.String()
}

// await waits until the command has printed text.
func (c *command) await(text string) {
	c.t.Helper()
	c.awaitTimes(text, 1)
}

// awaitTimes waits until the command has printed text the given number of times.
func (c *command) awaitTimes(text string, times int) {
	c.t.Helper()
	for late := time.After(patience); ; {
		if strings.Count(c.text(), text) >= times {
			return
		}
		select {
		case <-c.news:
		case <-c.ended:
			require.GreaterOrEqual(c.t, strings.Count(c.text(), text), times, "it has ended before it printed %s: %s", text, c.text())
			return
		case <-late:
			require.FailNow(c.t, "it has not printed "+text, "%s", c.text())
		}
	}
}

// start starts the command and waits until it is serving. It uses free ports unless args set ports. The command is killed at the end of the
// test.
func start(t testing.TB, args ...string) *command {
	t.Helper()
	c := startIn(t, t.TempDir(), args...)
	c.await("listening")
	if strings.Contains(strings.Join(args, " "), "--tunnel") {
		return c
	}
	c.await("\nrtmpdump ")
	for line := range strings.Lines(c.text()) {
		var record struct{ Msg, Protocol, Address string }
		if json.Unmarshal([]byte(line), &record) != nil || record.Msg != "listening" {
			continue
		}
		*map[string]*string{"rtmp": &c.rtmp, "rtmps": &c.rtmps, "http": &c.http, "https": &c.https}[record.Protocol] = record.Address
	}
	return c
}

// startIn starts the command in a folder.
func startIn(t testing.TB, dir string, args ...string) *command {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := &command{t: t, ended: make(chan struct{}), news: make(chan struct{}, 1)}
	c.cmd = exec.Command(self, append([]string{"-i", "127.0.0.1", "-p", "0"}, args...)...)
	c.cmd.Env, c.cmd.Dir = append(os.Environ(), beCommand+"=1"), dir
	c.cmd.Stdout, c.cmd.Stderr = c, c
	require.NoError(t, c.cmd.Start())
	go func() {
		defer close(c.ended)
		c.cmd.Wait()
	}()
	t.Cleanup(func() {
		c.kill()
		assert.NotContains(t, c.text(), "DATA RACE")
		assert.NotContains(t, c.text(), "panic")
		if t.Failed() {
			t.Logf("rtmpserver %s:\n%s", strings.Join(args, " "), c.text())
		}
	})
	return c
}

func (c *command) kill() {
	c.cmd.Process.Kill()
	<-c.ended
}

func (c *command) signal(s os.Signal) {
	c.t.Helper()
	if runtime.GOOS == "windows" {
		c.t.Skip("there are no such signals")
	}
	require.NoError(c.t, c.cmd.Process.Signal(s))
}

// wait waits until the command has exited, and returns its exit code.
func (c *command) wait() int {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		require.FailNow(c.t, "it does not end", "%s", c.text())
	}
	return c.cmd.ProcessState.ExitCode()
}

func (c *command) url(path string) string { return "rtmp://" + c.rtmp + "/" + path }

// request makes an HTTP request.
func (c *command) request(method, path string) *http.Response {
	c.t.Helper()
	request, err := http.NewRequestWithContext(conntest.Context(c.t), method, "http://"+c.http+path, nil)
	require.NoError(c.t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	require.NoError(c.t, err)
	return response
}

// view reads the beginning of a stream over HTTP, which must contain mark.
func (c *command) view(path, mark string) {
	c.t.Helper()
	response := c.request("GET", path)
	defer response.Body.Close()
	b := make([]byte, 10_000)
	_, err := io.ReadFull(response.Body, b)
	require.NoError(c.t, err)
	assert.Contains(c.t, string(b[:8]), mark)
}

// get returns the answer to an HTTP request.
func (c *command) get(method, path string) (status int, body string) {
	c.t.Helper()
	response := c.request(method, path)
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	return response.StatusCode, string(b)
}

// sample writes a file of ten seconds.
func sample(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sample.flv")
	require.NoError(t, os.WriteFile(file, testserver.Sample, 0o644))
	return file
}

// ffmpeg publishes to url until the test ends.
func ffmpeg(t testing.TB, url string) {
	t.Helper()
	programtest.Need(t, "ffmpeg")
	programtest.Start(t, "ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", sample(t), "-c", "copy", "-f", "flv", url)
}

// publication publishes pictures at twice their playback speed, until stop is called or the test ends.
type publication struct {
	sent       atomic.Int64 // pictures
	end, ended chan struct{}
	once       sync.Once
}

func publish(t testing.TB, url string) *publication {
	t.Helper()
	p, err := tryPublish(t, url)
	require.NoError(t, err)
	return p
}

// tryPublish is like publish, but returns an error if it is refused.
func tryPublish(t testing.TB, url string) (*publication, error) {
	t.Helper()
	ctx := conntest.Context(t)
	c, err := rtmp.Dial(ctx, url, &rtmp.Options{Publish: true})
	if err != nil {
		return nil, err
	}
	out, err := c.CreateStream(ctx, &rtmp.StreamOptions{Writable: true})
	if err != nil {
		c.Close()
		return nil, err
	}
	p := &publication{end: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		defer c.Close()
		defer out.Close()
		p.run(out)
	}()
	t.Cleanup(p.stop)
	return p, nil
}

func (p *publication) run(out *rtmp.Stream) {
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	tags, err := testserver.Tags(testserver.Sample)
	for at := uint32(0); err == nil; at += tags[len(tags)-1].Timestamp + 40 {
		for _, tag := range tags {
			packet := rtmp.Packet{Type: message.Type(tag.Type), Timestamp: at + tag.Timestamp, Body: tag.Body}
			if out.WritePacket(&packet) != nil {
				return
			}
			if packet.Type != message.TypeVideo {
				continue
			}
			p.sent.Add(1)
			select {
			case <-pace.C:
			case <-p.end:
				return
			}
		}
	}
}

func (p *publication) stop() {
	p.once.Do(func() { close(p.end) })
	<-p.ended
}

// player plays a stream.
type player struct {
	t      testing.TB
	conn   *rtmp.Conn
	stream *rtmp.Stream
	last   uint32
}

// play plays a live stream.
func play(t testing.TB, url string) *player {
	t.Helper()
	return playAny(t, url, &rtmp.Options{Live: true})
}

func playAny(t testing.TB, url string, o *rtmp.Options) *player {
	t.Helper()
	c, err := rtmp.Dial(conntest.Context(t), url, o)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	s, err := c.CreateStream(conntest.Context(t), nil)
	require.NoError(t, err)
	return &player{t: t, conn: c, stream: s}
}

// takes reads the given number of pictures, whose timestamps must not decrease.
func (p *player) takes(pictures int) {
	p.t.Helper()
	require.NoError(p.t, p.stream.SetReadDeadline(time.Now().Add(patience)))
	var packet rtmp.Packet
	for pictures > 0 {
		require.NoError(p.t, p.stream.ReadPacket(&packet))
		if packet.Type != message.TypeVideo {
			continue
		}
		assert.GreaterOrEqual(p.t, packet.Timestamp, p.last)
		p.last = packet.Timestamp
		pictures--
	}
}

// ends reports whether the stream ends.
func (p *player) ends() bool {
	p.t.Helper()
	require.NoError(p.t, p.stream.SetReadDeadline(time.Now().Add(patience)))
	var packet rtmp.Packet
	for {
		if err := p.stream.ReadPacket(&packet); err != nil {
			return assert.Equal(p.t, io.EOF, err)
		}
	}
}

// TestWithoutOptions checks that without options the command serves live streams of any application, and writes no files.
func TestWithoutOptions(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "rtmpdump")
	c := start(t)
	ffmpeg(t, c.url("anything/film"))
	out := filepath.Join(t.TempDir(), "out.flv")
	programtest.Run(t, "rtmpdump", "-q", "-v", "-r", c.url("anything/film"), "-B", "1", "-o", out)
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	_, err = testserver.Tags(b)
	assert.NoError(t, err)
	files, err := os.ReadDir(c.cmd.Dir)
	require.NoError(t, err)
	assert.Empty(t, files)
	assert.Contains(t, c.text(), fmt.Sprintf("rtmpdump   rtmpdump -r rtmp://%s/live/NAME", c.rtmp))
}
