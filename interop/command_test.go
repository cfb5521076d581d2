package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
)

// times returns how often to repeat something: normal, or inLong with RTMP_LONG=1, when tests may take minutes.
func times(normal, inLong int) int {
	if os.Getenv("RTMP_LONG") != "" {
		return inLong
	}
	return normal
}

// buildFolder builds this repository's rtmpdump in a folder, which TestMain removes.
var buildFolder = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "rtmpdump")
	if err != nil {
		return "", err
	}
	built = dir
	name := "rtmpdump"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), "github.com/go-librtmp/rtmp/cmd/rtmpdump").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

var built string // the folder that buildFolder has created

func removeBuilt() {
	if built != "" {
		os.RemoveAll(built)
	}
}

// ourFolder returns the folder with our rtmpdump, to be put first on PATH.
func ourFolder(t *testing.T) string {
	t.Helper()
	dir, err := buildFolder()
	require.NoError(t, err)
	return dir
}

func ourCommand(t *testing.T) string { return filepath.Join(ourFolder(t), "rtmpdump") }

// ended describes how a program has ended.
type ended struct {
	code           int // -1 if it was killed by a signal
	stdout, stderr string
}

// attempt runs a program until it ends, with any exit code. The error means that it did not start, or did not end.
func attempt(home, program string, args ...string) (ended, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "HOME="+home) // rtmpdump keeps its cache of players there
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return ended{}, fmt.Errorf("%s hangs: %s", program, stderr.String())
	}
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		return ended{}, err
	}
	return ended{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}, nil
}

// execute is like attempt, but fails the test on an error. It must be called on the test's goroutine.
func execute(t *testing.T, program string, args ...string) ended {
	t.Helper()
	end, err := attempt(t.TempDir(), program, args...)
	require.NoError(t, err)
	return end
}

// exitCode returns the exit code in an error of Wait.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// dump runs our rtmpdump.
func dump(t *testing.T, args ...string) ended {
	t.Helper()
	return execute(t, ourCommand(t), args...)
}

// recordingOf returns a recording of tags whose metadata contains the duration and the positions of the key frames. nginx-rtmp needs
// the positions to play from a key frame.
func recordingOf(t *testing.T, tags []flv.Tag, seconds float64) []byte {
	t.Helper()
	var file []byte
	times, positions := []any{}, []any{}
	for range 2 { // the first pass shows the size of the metadata, the second has the right positions
		body, err := flv.AppendScript(nil, "onMetaData", amf.ECMAArray{{Name: "duration", Value: seconds},
			{Name: "keyframes", Value: amf.Object{{Name: "filepositions", Value: positions}, {Name: "times", Value: times}}}})
		require.NoError(t, err)
		file = flv.AppendTag(flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true}), flv.Tag{Type: flv.TagScript, Body: body})
		shift := 0.0
		if len(times) == 0 {
			shift = 18 // bytes that each key frame adds to the metadata
		}
		times, positions = nil, nil
		for _, tag := range tags {
			if tag.Type == flv.TagScript {
				continue
			}
			if h, err := flv.ParseVideoHeader(tag.Body); tag.Type == flv.TagVideo && err == nil && h.IsKeyFrame() && h.IsFrame() {
				times, positions = append(times, float64(tag.Timestamp)/1000), append(positions, float64(len(file)))
			}
			file = flv.AppendTag(file, tag)
		}
		for i, at := range positions {
			positions[i] = at.(float64) + shift*float64(len(times))
		}
	}
	return file
}

// relay forwards connections to a server, at pace bytes per second if pace is not 0. Before it forwards a piece from the server, it calls
// passed, if not nil, with the number of bytes so far, and closes the connection if passed returns false.
type relay struct {
	net.Listener
	running sync.WaitGroup
	to      string
	pace    int
	passed  func(n int64) bool

	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

func startRelay(t *testing.T, to string, pace int, passed func(n int64) bool) *relay {
	t.Helper()
	l := conntest.Listen(t)
	r := &relay{Listener: l, to: to, pace: pace, passed: passed}
	r.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			r.running.Go(func() { r.serve(client) })
		}
	})
	t.Cleanup(r.close)
	return r
}

// own registers nc to be closed by close, or closes it if close has already been called.
func (r *relay) own(nc net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, nc)
	if r.closed {
		nc.Close()
	}
}

func (r *relay) close() {
	r.Listener.Close()
	r.mu.Lock()
	r.closed = true
	for _, nc := range r.conns {
		nc.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
}

func (r *relay) serve(client net.Conn) {
	defer client.Close()
	r.own(client)
	server, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer server.Close()
	r.own(server)
	r.running.Go(func() {
		io.Copy(server, client)
		server.Close()
	})
	piece := make([]byte, 1500)
	for n := int64(0); ; {
		if r.passed != nil && !r.passed(n) {
			return
		}
		got, err := server.Read(piece)
		if err != nil {
			return
		}
		n += int64(got)
		if _, err := client.Write(piece[:got]); err != nil {
			return
		}
		if r.pace > 0 {
			time.Sleep(time.Duration(got) * time.Second / time.Duration(r.pace))
		}
	}
}
