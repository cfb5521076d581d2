// Package interop tests this module with real programs: nginx-rtmp, ffmpeg, rtmpdump, curl and others. A test whose program is missing is
// skipped and names the Debian package; in CI (CI=true) it fails.
package interop

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestMain skips all tests with -short, since they run other programs and take the longest.
func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("interop: all tests are skipped with -short")
		os.Exit(0)
	}
	flag.Set("test.parallel", "4") // most tests wait for programs that work in real time
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		removeBuilt()
		os.Exit(code)
	}))
}

// play saves a stream with this library.
func play(t *testing.T, url string, o *rtmp.Options) (file string, err error) {
	t.Helper()
	ctx := conntest.Context(t)
	c, err := rtmp.Dial(ctx, url, o)
	require.NoError(t, err)
	defer c.Close()
	s, err := c.CreateStream(ctx, nil)
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "ours.flv")
	f, err := os.Create(file)
	require.NoError(t, err)
	defer f.Close()
	_, err = io.Copy(f, s)
	return file, err
}

// packets returns what ffmpeg finds in a file: a line for each packet with its times, size and MD5.
func packets(t *testing.T, file string) []string {
	t.Helper()
	programtest.Need(t, "ffmpeg")
	var lines []string
	for line := range strings.Lines(programtest.Run(t, "ffmpeg", "-v", "error", "-copyts", "-i", file, "-map", "0", "-c", "copy", "-f", "framemd5", "-")) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	require.NotEmpty(t, lines)
	return lines
}

func writeSample(t *testing.T, dir, name string, shift uint32) string {
	t.Helper()
	tags := rtmptest.SampleTags(t)
	file := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for i, tag := range tags {
		if i > 3 { // the headers keep the timestamp 0, as in a recording
			tag.Timestamp += shift
		}
		file = flv.AppendTag(file, tag)
	}
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, file, 0o644))
	return path
}

func TestNginxOnDemand(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "rtmpdump", "ffmpeg")
	for name, shift := range map[string]uint32{"sample": 0, "past 2^24 ms": 1<<24 - 5000} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			source := writeSample(t, dir, "sample.flv", shift)
			url := "rtmp://" + programtest.Nginx(t, dir) + "/vod/sample"
			ours, err := play(t, url, &rtmp.Options{Buffer: 6 * time.Hour}) // nginx paces by timestamps
			require.NoError(t, err)
			theirs := filepath.Join(t.TempDir(), "theirs.flv")
			programtest.Run(t, "rtmpdump", "-q", "-m", "3", "-r", url, "-o", theirs) // occasionally rtmpdump waits for more data at the end
			assert.Equal(t, packets(t, theirs), packets(t, ours))
			assert.Equal(t, packets(t, source), packets(t, ours))
		})
	}
}

func TestNginxLive(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "rtmpdump", "ffmpeg")
	dir := t.TempDir()
	source := writeSample(t, dir, "sample.flv", 0)
	url := "rtmp://" + programtest.Nginx(t, dir) + "/live/stream"
	programtest.Start(t, "ffmpeg", "-v", "error", "-re", "-i", source, "-c", "copy", "-f", "flv", url)

	theirs := filepath.Join(t.TempDir(), "theirs.flv")
	done := make(chan error, 1)
	go func() {
		dump := exec.CommandContext(conntest.Context(t), "rtmpdump", "-q", "-v", "-m", "3", "-r", url, "-o", theirs)
		done <- dump.Run()
	}()
	ours, err := play(t, url, &rtmp.Options{Live: true})
	require.NoError(t, err, "the stream ends when the publisher leaves")
	<-done // rtmpdump does not treat StreamEOF as the end, and exits with an error after its timeout

	a, b := mediaOnly(packets(t, ours)), mediaOnly(packets(t, theirs))
	a, b = common(a, b)
	require.Greater(t, len(a), 200)
	assert.Equal(t, b, a)
}

// mediaOnly removes the packets at the beginning of a stream, since their number depends on when the player joined. It reduces the other
// packets to size and MD5.
func mediaOnly(lines []string) []string {
	for i, line := range lines {
		fields := strings.Split(line, ",")
		lines[i] = fields[0] + fields[1] + fields[4] + fields[5]
	}
	return lines
}

// common cuts both to the part between the first and the last line that they have in common.
func common(a, b []string) ([]string, []string) {
	in := func(list []string, line string) bool {
		for _, l := range list {
			if l == line {
				return true
			}
		}
		return false
	}
	cut := func(list, other []string) []string {
		for len(list) > 0 && !in(other, list[0]) {
			list = list[1:]
		}
		for len(list) > 0 && !in(other, list[len(list)-1]) {
			list = list[:len(list)-1]
		}
		return list
	}
	first := cut(a, b)
	return first, cut(b, first)
}

func TestProgramsPlayFromTestserver(t *testing.T) {
	t.Parallel()
	url := rtmptest.Server(t, testserver.Config{}).URL("vod", "sample")
	for name, args := range map[string][]string{
		"rtmpdump": {"-q", "-r", url, "-o"},
		"curl":     {"-s", "-m", "3", url, "-o"},
		"ffmpeg":   {"-v", "error", "-i", url, "-c", "copy", "-copyts", "-y"},
	} {
		t.Run(name, func(t *testing.T) {
			programtest.Need(t, name, "ffmpeg")
			dir := t.TempDir()
			file := filepath.Join(dir, "out.flv")
			programtest.Run(t, name, append(args, file)...)
			source := writeSample(t, dir, "sample.flv", 0)
			want, got := mediaOnly(packets(t, source)), mediaOnly(packets(t, file))
			if name == "curl" { // curl leaves the end in librtmp's buffer and waits, also with nginx-rtmp
				require.Greater(t, len(got), len(want)*8/10)
				want = want[:len(got)-1]
				got = got[:len(got)-1]
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestFFmpegPublishesToTestserver(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "ffmpeg")
	recorded := t.TempDir()
	s := rtmptest.Server(t, testserver.Config{RecordDir: recorded})
	source := writeSample(t, t.TempDir(), "sample.flv", 0)
	url := s.URL("live", "stream")
	type result struct {
		file string
		err  error
	}
	played := make(chan result, 1)
	go func() {
		file, err := play(t, url, &rtmp.Options{Live: true})
		played <- result{file, err}
	}()
	programtest.Run(t, "ffmpeg", "-v", "error", "-re", "-i", source, "-c", "copy", "-f", "flv", url)
	got := <-played
	require.NoError(t, got.err)
	want := mediaOnly(packets(t, source))
	assert.Equal(t, want, mediaOnly(packets(t, filepath.Join(recorded, "stream.flv"))))
	ours := mediaOnly(packets(t, got.file))
	assert.Equal(t, want[len(want)-len(ours):], ours, "the player must receive everything from joining to the end")
	assert.Greater(t, len(ours), 200)
}
