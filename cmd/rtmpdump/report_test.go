package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/download"
	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestMetadataDoesNotFillTheTerminal checks that a server can't make rtmpdump print millions of properties, at once or one after the other.
func TestMetadataDoesNotFillTheTerminal(t *testing.T) {
	var out bytes.Buffer
	r := newReporter(&job{console: &console{out: &out, level: levelInfo}, flags: new(flags)})
	many := slices.Repeat(amf.ECMAArray{{Name: "a", Value: 1.0}}, 700)
	for range 3 {
		r.progress(&download.Progress{Phase: download.Metadata, Metadata: amf.ECMAArray{{Name: "nested", Value: many}}})
	}
	assert.Equal(t, 1000+3, strings.Count(out.String(), "\n"), "properties, and their headings")
	assert.Equal(t, 3, strings.Count(out.String(), "Metadata:"))
}

// TestGapInLiveStream checks that a live stream is incomplete if media is missing where it was continued, and only then.
func TestGapInLiveStream(t *testing.T) {
	for _, test := range []struct {
		gap  time.Duration
		code int
		says string
	}{
		{3 * time.Second, exitIncomplete, "Download is incomplete\n"},
		{0, exitSuccess, "Download complete\n"}, // damaged messages, which RTMPDump ignores
	} {
		var out bytes.Buffer
		r := newReporter(&job{console: &console{out: &out, level: levelInfo}, flags: &flags{live: true}})
		r.playing = true
		err := fmt.Errorf("%w: 1 gaps, 0 damaged messages", download.ErrIncomplete)
		code := r.finish(t.Context(), &download.Result{Outcome: download.Incomplete, Splices: []download.Splice{{}, {Gap: test.gap}}}, err)
		assert.Equal(t, test.code, code)
		assert.Contains(t, out.String(), "1 gaps")
		assert.Contains(t, out.String(), test.says)
	}
}

// TestRecoverAnnouncesReconnect checks that with --recover a server that shuts down can ask to reconnect. Without it, connect is RTMPDump's.
func TestRecoverAnnouncesReconnect(t *testing.T) {
	for args, announced := range map[string]bool{"": false, " --recover": true} {
		got := attempt(t, ours, testserver.Config{}, "-r URL/sample -o FILE"+args, nil)
		assert.Equal(t, announced, strings.Contains(got.commands[0], "{capsEx 1}"), got.commands[0])
	}
}

// TestSaysTheSame checks that the messages are RTMPDump's, except for the frequency of the progress line.
func TestSaysTheSame(t *testing.T) {
	programtest.Need(t, "rtmpdump")
	progress := regexp.MustCompile(`(?:\r[0-9.]+ kB / [0-9.]+ sec(?: \([0-9.]+%\))?)+`)
	hashes := regexp.MustCompile("#+")
	banner := regexp.MustCompile(`(?m)^\(.*\)$|^\(c\).*$`)
	for _, test := range []struct {
		args   string
		before string
	}{
		{"-r URL/sample -o FILE", ""},
		{"-r URL/short -o FILE", ""},
		{"-r URL/bare -o FILE -R -B 5", ""},
		{"-r URL/sample -o FILE -# -B 20", ""},
		{"-r URL/sample", ""},
		{"-r URL/sample -e -o -", ""},
		{"-r URL/sample -o FILE -b -1", ""},
		{"-r URL/sample -o FILE -k -1", ""},
		{"-r URL/sample -o FILE -X -1", ""},
		{"-r URL/sample -o FILE -x -1", ""},
		{"-r URL/sample -o FILE -w 00", ""},
		{"-r URL/sample -o FILE -x 7", ""},
		{"-n HOST -c PORT -y sample -a vod -o FILE", ""},
		{"-r URL/sample -A 5 -B 3 -o FILE", ""},
		{"-i URL/sample -A 5 -B 6 -o FILE", ""},
		{"-o FILE", ""},
		{"-r URL -o FILE", ""},
		{"-r URL/sample -l 7 -o FILE", ""},
		{"-q -r URL/sample -o FILE", ""},
		{"-q", ""},
	} {
		want := attempt(t, theirs, testserver.Config{}, test.args, before(test.before))
		got := attempt(t, ours, testserver.Config{}, test.args, before(test.before))
		text := func(s seen) string {
			s.stderr = progress.ReplaceAllString(banner.ReplaceAllString(s.stderr, "BANNER"), "\rPROGRESS")
			s.stderr = hashes.ReplaceAllString(s.stderr, "#")                    // their number depends on how much arrives at once
			return strings.Replace(s.stderr, "at: -0.001 kB", "at: 0.000 kB", 1) // RTMPDump asks a pipe for its position
		}
		assert.Equal(t, text(want), text(got), test.args)
	}
}

// TestProgressLines checks for the lines that yt-dlp looks for.
func TestProgressLines(t *testing.T) {
	got := attempt(t, ours, testserver.Config{}, "-r URL/sample -o FILE", nil)
	assert.Regexp(t, `\r254\.289 kB / 10\.06 sec \(99\.8%\)\n`, got.stderr)
	assert.Regexp(t, `(?i)^RTMPDump\s*v?([0-9a-zA-Z._-]+)`, got.stderr)
	got = attempt(t, ours, testserver.Config{}, "-r URL/bare -o FILE", nil)
	assert.Regexp(t, `\r[0-9]+\.[0-9]{3} kB / 10\.06 sec\n`, got.stderr)
	got = attempt(t, ours, testserver.Config{}, "-r URL/sample -# -o FILE", nil)
	assert.Contains(t, got.stderr, "\n"+strings.Repeat("#", 100)+"\n")
}

func TestSummary(t *testing.T) {
	for _, test := range []struct {
		args   string
		config testserver.Config
		before string
		check  func(s summary)
	}{
		{"-r URL/sample -o FILE --json", testserver.Config{}, "", func(s summary) {
			assert.Equal(t, "complete", s.Outcome, "--json reports what happened")
			assert.Equal(t, exitSuccess, s.ExitCode, "the exit code must not be RTMPDump's")
			assert.EqualValues(t, len(saved), s.Size)
			assert.InDelta(t, 10.08, s.Duration, 0.001)
			assert.True(t, s.Ended)
			assert.EqualValues(t, 433, s.Audio)
			assert.EqualValues(t, 251, s.Video)
			assert.EqualValues(t, 1, s.Dropped)
			assert.Empty(t, s.Error)
		}},
		{"-r URL/sample -e -o FILE --json", testserver.Config{}, "60%", func(s summary) {
			assert.Equal(t, "complete", s.Outcome)
			require.Len(t, s.Splices, 1)
			assert.True(t, s.Splices[0].ByContent)
			assert.EqualValues(t, boundary(len(testserver.Sample)*6/10), s.Splices[0].Offset)
		}},
		{"-r URL/sample -o FILE --json", testserver.Config{Fault: cutAt(100_000)}, "", func(s summary) {
			assert.Equal(t, "server-closed-early", s.Outcome)
			assert.NotEmpty(t, s.Error)
			assert.False(t, s.Ended)
		}},
		{"-r URL/nosuch -o FILE --json", testserver.Config{}, "", func(s summary) {
			assert.Equal(t, "not-started", s.Outcome)
			assert.Equal(t, exitFailed, s.ExitCode)
			assert.Contains(t, s.Error, "StreamNotFound")
		}},
		{"-r URL/sample -o FILE --json --recover -q", testserver.Config{Fault: func(n int) testserver.Fault {
			if n > 2 {
				return testserver.Fault{}
			}
			return testserver.Fault{Action: testserver.Cut, At: 80_000}
		}}, "", func(s summary) {
			assert.Equal(t, "complete", s.Outcome)
			assert.Equal(t, 4, s.Sessions)
			assert.EqualValues(t, len(saved), s.Size)
		}},
	} {
		got := attempt(t, ours, test.config, test.args, before(test.before))
		var s summary
		require.NoError(t, json.Unmarshal(got.stdout, &s), "%s", got.stdout)
		assert.Equal(t, got.code, s.ExitCode)
		test.check(s)
	}
	got := attempt(t, func(args []string, _, stderr *bytes.Buffer) int { return run(args, failingWriter{}, stderr, false) },
		testserver.Config{}, "-r URL/sample -o FILE --json", nil)
	assert.Equal(t, exitFailed, got.code, "a summary that can't be written is a failure")
	assert.Contains(t, got.stderr, "Couldn't write the summary: the disk is full")
	got = attempt(t, ours, testserver.Config{}, "-r URL/sample -o - --json", nil)
	assert.True(t, bytes.Equal(saved, got.stdout), "standard output has nothing but the stream")
	assert.Contains(t, got.stderr, `{"outcome":"complete"`)
}

// failingWriter is an output that takes nothing.
type failingWriter struct{}

// Write implements io.Writer.
func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestVersion(t *testing.T) {
	got := attempt(t, ours, testserver.Config{}, "--version", nil)
	assert.Equal(t, exitSuccess, got.code)
	assert.Contains(t, string(got.stdout), "compatible with RTMPDump 2.4")

	readOnly, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer readOnly.Close()
	var stderr bytes.Buffer
	assert.Equal(t, exitFailed, run([]string{"--version"}, readOnly, &stderr, false))
	assert.Contains(t, stderr.String(), os.DevNull)
}

func TestUsageNamesEveryOption(t *testing.T) {
	text := usage()
	for _, name := range []string{"help", "url", "rtmp", "host", "port", "socks", "protocol", "playpath", "playlist", "swfUrl", "tcUrl",
		"pageUrl", "app", "swfhash", "swfsize", "swfVfy", "swfAge", "auth", "conn", "flashVer", "live", "subscribe", "realtime",
		"flv", "resume", "timeout", "start", "stop", "token", "jtv", "hashes", "buffer", "skip", "quiet", "verbose", "debug",
		"proxy", "json", "version", "recover", "media-timeout"} {
		assert.Contains(t, text, "--"+name)
	}
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, len(line), 112)
	}
}

func TestBar(t *testing.T) {
	p := &download.Progress{Duration: 100 * time.Second}
	assert.Equal(t, "[                        ]   0.0%  0 B 0 B/s  0:00/1:40", barLine(p, false))
	p.Size, p.Position, p.Rate, p.Remaining = 3<<20, 25*time.Second, 1.5*(1<<20), 6*time.Second
	assert.Equal(t, "[======                  ]  25.0%  3.0 MB 1.5 MB/s  0:25/1:40  0:06 left", barLine(p, false))
	p.Size, p.Position = 12<<20, 99*time.Second
	assert.Equal(t, "[========================] 100.0%  12.0 MB 1.5 MB/s  1:39/1:40", barLine(p, true))
	p.Position = 101 * time.Second
	assert.Equal(t, "[========================] 100.0%  12.0 MB 1.5 MB/s  1:41/1:40", barLine(p, false))
	p.Duration = 0
	assert.Equal(t, "12.0 MB 1.5 MB/s  1:41", barLine(p, false))
	p.Position = 3*time.Hour + 2*time.Minute + time.Second
	assert.Contains(t, barLine(p, false), "3:02:01")
}

func TestBarOnTerminal(t *testing.T) {
	got := attempt(t, func(args []string, stdout, stderr *bytes.Buffer) int { return run(args, stdout, stderr, true) },
		testserver.Config{}, "-r URL/sample -o FILE", nil)
	assert.Contains(t, got.stderr, "[========================] 100.0%")
	assert.NotContains(t, got.stderr, "kB /")
}

func TestShortenedOptions(t *testing.T) {
	for args, want := range map[string]string{
		"--rt x":          "--rtmp x",
		"--rt=x":          "--rtmp=x",
		"--swfV x":        "--swfVfy x",
		"--swf x":         "--swf x", // ambiguous
		"--res --re":      "--resume --re",
		"-o --rt":         "-o --rt", // the name of a file
		"-Vo --rt --liv":  "-Vo --rt --live",
		"-oFILE --liv":    "-oFILE --live",
		"--flv --rt":      "--flv --rt",
		"-V --liv":        "-V --live",
		"-- --rt":         "-- --rt",
		"--nosuch --liv":  "--nosuch --live",
		"-Z --liv - -v x": "-Z --live - -v x",
	} {
		o, err := parseFlags(nil, &console{})
		require.NoError(t, err)
		assert.Equal(t, want, strings.Join(expand(strings.Fields(args), o.set), " "), args)
	}
}
