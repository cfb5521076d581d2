package interop

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// nginxLines are command lines that are run with RTMPDump and with our rtmpdump, against nginx-rtmp. The results must be the same, except
// where a reason is given for a different exit code or file (or standard output).
var nginxLines = []struct {
	name, args string
	before     int // percentage of the film's tags in the file at first; if negative, a part of another tag follows; 0 means no file
	differs    map[string]string
}{
	{name: "plain", args: "-r URL/film.flv -o FILE"},
	{name: "standard output", args: "-r URL/film.flv"},
	{name: "URL option", args: "-i URL/film.flv -o FILE"},
	{name: "parts", args: "-n HOST -c PORT -l 0 -a vod -y film.flv -o FILE"},
	{name: "playlist", args: "-r URL/film.flv -Y -o FILE"},
	{name: "subscribe", args: "-r URL/film.flv -d film -o FILE"},
	{name: "connect's properties", args: "-r URL/film.flv -p http://h/ -s http://h/p.swf -f X -u ticket -C S:x -o FILE"},
	{name: "buffer", args: "-r URL/film.flv -b 20000 -o FILE"},
	{name: "realtime", args: "-r URL/film.flv -R -o FILE"},
	{name: "start", args: "-r URL/film.flv -A 4 -o FILE"},
	{name: "stop", args: "-r URL/film.flv -B 3 -o FILE"},
	{name: "start and stop", args: "-r URL/film.flv -A 3 -B 6 -o FILE"},
	{name: "replace", args: "-r URL/film.flv -o FILE", before: 50},
	{name: "resume nothing", args: "-r URL/film.flv -e -o FILE"},
	{name: "resume", args: "-r URL/film.flv -e -o FILE", before: 60, differs: absolute},
	{name: "resume, and skip", args: "-r URL/film.flv -e -k 1 -o FILE", before: 60, differs: absolute},
	{name: "resume a complete file", args: "-r URL/film.flv -e -o FILE", before: 100, differs: map[string]string{"file": "likewise",
		"code": "RTMPDump takes the end of sequence, which it would not have written, for a key frame to begin at (-> 1)"}},
	{name: "resume a damaged file", args: "-r URL/film.flv -e -o FILE", before: -60, differs: map[string]string{
		"code": "RTMPDump calls it corrupt (-> 1)", "file": "likewise"}},
	{name: "no such film", args: "-r URL/nosuch.flv -m 1 -o FILE"},
	{name: "no such application", args: "-r rtmp://HOST:PORT/nosuch/film.flv -m 1 -o FILE"},
	{name: "nobody publishes", args: "-r rtmp://HOST:PORT/live/nobody -v -m 1 -o FILE"},
}

// command runs a command line, in which URL, HOST, PORT and FILE are replaced, and returns the file that it has written.
func command(t *testing.T, program, addr, args string, before []byte) (end ended, file []byte) {
	path := filepath.Join(t.TempDir(), "out.flv")
	if before != nil {
		require.NoError(t, os.WriteFile(path, before, 0o600))
	}
	host, port, _ := strings.Cut(addr, ":")
	args = strings.NewReplacer("URL", "rtmp://"+addr+"/vod", "HOST", host, "PORT", port, "FILE", path).Replace(args)
	end = execute(t, program, strings.Fields(args)...)
	file, err := os.ReadFile(path)
	if err != nil {
		file = []byte(end.stdout)
	}
	return end, file
}

// absolute contains the differences when a file is continued.
var absolute = map[string]string{"file": "likewise",
	"code": "nginx-rtmp's times are those of the recording: RTMPDump waits for a key frame with the time 0, in vain (-> 1)"}

// part returns the beginning of a file, with this percentage of the tags. If percent is negative, 20 bytes of the next tag follow.
func part(t *testing.T, file []byte, percent int) []byte {
	if percent == 0 {
		return nil
	}
	tags := rtmptest.Tags(t, file)
	missing := len(tags) - len(tags)*max(percent, -percent)/100
	size := len(file) - endOf(t, file, missing)
	if percent < 0 {
		size += 20
	}
	return file[:size]
}

func TestSameAsRtmpdumpWithNginx(t *testing.T) {
	t.Parallel()
	programtest.Need(t, "rtmpdump")
	addr := startNginxFilm(t)
	whole := film(t)
	ours := ourCommand(t)
	for _, test := range nginxLines {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := part(t, whole, test.before)
			want, wantFile := command(t, "rtmpdump", addr, test.args, before)
			got, gotFile := command(t, ours, addr, test.args, before)
			same := func(what string, equal bool, text string) {
				if reason := test.differs[what]; reason != "" {
					assert.False(t, equal, "%s is the same, but a reason is given: %s", what, reason)
					return
				}
				assert.True(t, equal, text)
			}
			same("code", want.code == got.code, fmt.Sprintf("exit code %d, theirs %d: %s\n---- theirs: %s", got.code, want.code, got.stderr, want.stderr))
			same("file", bytes.Equal(wantFile, gotFile), fmt.Sprintf("%d bytes, theirs %d", len(gotFile), len(wantFile)))
		})
	}
}

// TestResumeAsRtmpdump resumes from a server whose timestamps begin with 0 wherever it begins to play. RTMPDump can resume only from
// such servers.
func TestResumeAsRtmpdump(t *testing.T) {
	programtest.Need(t, "rtmpdump")
	const keyFrame = 6000 // ms, the last one before 60 % of the film
	s := rtmptest.Server(t, testserver.Config{Files: map[string][]byte{"film": film(t)},
		Shape: testserver.Shape{TimestampOffset: 1<<32 - keyFrame}})
	before := part(t, film(t), 60)
	for _, args := range []string{"-r URL/film -e -o FILE", "-r URL/film -e -o FILE --stop 8"} {
		want, wantFile := command(t, "rtmpdump", s.Addr(), args, before)
		got, gotFile := command(t, ourCommand(t), s.Addr(), args, before)
		assert.Equal(t, want.code, got.code, "%s\n---- theirs: %s", got.stderr, want.stderr)
		assert.True(t, bytes.Equal(wantFile, gotFile), "%d bytes, theirs %d", len(gotFile), len(wantFile))
		assert.Greater(t, len(gotFile), len(before)+10_000)
	}
}

// liveLines are run like nginxLines, before the stream is published for a while. RTMPDump does not treat StreamEOF as the end: it waits for
// its timeout, and exits with 2. Without -v it first tries to wake the server with a pause, after which its exit code depends on timing.
// Ours exits with 0 when the stream ends.
var liveLines = []struct {
	name, args string
	theirs     []int // RTMPDump's exit codes
}{
	{"live", "-r URL -v -m 5 -o FILE", []int{2}},
	{"subscribed", "-r URL -v -d stream -m 5 -o FILE", []int{2}},
	{"by URL", "-i URL_live=1_timeout=5 -o FILE", []int{0, 1, 2}},
	{"not said to be live", "-r URL -m 5 -o FILE", []int{0, 1, 2}},
}

// viewing is a pair of programs, RTMPDump and ours, that play the same live stream with one of liveLines.
type viewing struct {
	files, homes [2]string
	ends         [2]ended
	errs         [2]error
}

func (v *viewing) start(running *sync.WaitGroup, programs [2]string, url, line string) {
	for k, program := range programs {
		args := strings.Fields(strings.ReplaceAll(line, "URL", url))
		for n, arg := range args {
			if args[n] = strings.ReplaceAll(arg, "_", " "); arg == "FILE" {
				args[n] = v.files[k]
			}
		}
		running.Go(func() { v.ends[k], v.errs[k] = attempt(v.homes[k], program, args...) })
	}
}

// TestLiveAsRtmpdump runs all programs on the same stream at the same time, from before its beginning to its end.
func TestLiveAsRtmpdump(t *testing.T) {
	t.Parallel() // the test waits most of the time
	programtest.Need(t, "rtmpdump", "ffmpeg")
	dir := t.TempDir()
	source := writeSample(t, dir, "sample.flv", 0)
	url := "rtmp://" + programtest.Nginx(t, dir) + "/live/stream"
	viewings := make([]viewing, len(liveLines))
	var running sync.WaitGroup
	for i, line := range liveLines {
		v := &viewings[i]
		for k := range v.files {
			v.homes[k] = t.TempDir()
			v.files[k] = filepath.Join(v.homes[k], "out.flv")
		}
		v.start(&running, [2]string{"rtmpdump", ourCommand(t)}, url, line.args)
	}
	programtest.Run(t, "ffmpeg", "-v", "error", "-re", "-t", "3", "-i", source, "-c", "copy", "-f", "flv", url)
	running.Wait()
	for i, line := range liveLines {
		t.Run(line.name, func(t *testing.T) {
			v := &viewings[i]
			require.NoError(t, errors.Join(v.errs[:]...))
			assert.Contains(t, line.theirs, v.ends[0].code, v.ends[0].stderr)
			assert.Zero(t, v.ends[1].code, v.ends[1].stderr)
			want, got := common(mediaOnly(packets(t, v.files[0])), mediaOnly(packets(t, v.files[1])))
			assert.Greater(t, len(want), 150)
			assert.Equal(t, want, got)
		})
	}
}

// TestPipeToFFmpeg checks that ffmpeg can read what rtmpdump writes to standard output.
func TestPipeToFFmpeg(t *testing.T) {
	programtest.Need(t, "ffmpeg")
	source := writeSample(t, t.TempDir(), "sample.flv", 0)
	for name, url := range map[string]string{
		"testserver": rtmptest.Server(t, testserver.Config{}).URL("vod", "sample"),
		"nginx":      "rtmp://" + programtest.Nginx(t, filepath.Dir(source)) + "/vod/sample.flv",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "out.flv")
			ours := exec.CommandContext(conntest.Context(t), ourCommand(t), "-q", "-r", url, "-o", "-")
			ffmpeg := exec.CommandContext(conntest.Context(t), "ffmpeg", "-v", "error", "-copyts", "-i", "-", "-map", "0", "-c", "copy", file)
			stream, err := ours.StdoutPipe()
			require.NoError(t, err)
			ffmpeg.Stdin = stream
			require.NoError(t, ours.Start())
			out, err := ffmpeg.CombinedOutput()
			require.NoError(t, err, "%s", out)
			assert.Equal(t, 2, exitCode(ours.Wait()), "as RTMPDump, which calls 99.6 %% of the duration incomplete")
			assert.Equal(t, mediaOnly(packets(t, source)), mediaOnly(packets(t, file)))
		})
	}
}
