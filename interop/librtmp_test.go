package interop

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/internal/programtest"
)

const systemPython = "/usr/bin/python3" // the Python for which Debian's packages are installed

// difference is an intended difference between the messages of librtmp and the messages of this library. theirs changes librtmp's lines to
// the lines that this library should send. ours changes this library's lines where they depend on timing.
type difference struct {
	name, reason string
	theirs, ours func([]string) []string
}

// flashVer is a difference in several sessions.
var flashVer = difference{"flashVer", "librtmp has a default, but not for python-librtmp, which does not call " +
	"RTMP_SetupStream; here it is the default", replaced(`("app" "[a-z]+"}), `, `$1, {"flashVer" "LNX 10,0,32,18"}, `), nil}

// The messages that are sent when connect's result arrives.
const (
	window = "2/0 Window Acknowledgement Size 2500000"
	buffer = "2/0 User Control 3 0 300"
)

// sessions contains, for each function in testdata/librtmp_steps.py, the same steps with this library and the differences.
var sessions = map[string]struct {
	steps       func(*testing.T, string, *recording)
	differences []difference
}{
	"live": {live, []difference{flashVer}},
	"packet": {packet, []difference{
		{"connect's result", "python-librtmp hands it to librtmp in create_stream, which is not called; here it counts when it arrives",
			both(added(window, "3/0 connect"), added(buffer, window)), nil},
		{"number of a connect by hand", "librtmp does not count it, and gives its number to the next call too", replaced("echo 1 ", "echo 2 "), nil},
	}},
	"publish": {publishing, []difference{flashVer,
		{"tcUrl after app", "librtmp makes tcUrl when it is given the URL, and an app that is set later does not count; here the " +
			"order does not matter", replaced(`rtmp://ADDRESS/app`, "rtmp://ADDRESS/renamed"), nil},
		{"a publisher's window", "librtmp is told that it publishes before it looks at connect's result, and says neither; here " +
			"CreateStream is called later, and both are sent to every server", both(added(buffer, "3/0 connect"), added(window, "3/0 connect")), nil},
		{"chunk size", "librtmp publishes in chunks of 128 bytes; here the chunks are larger, which has to be announced",
			added("2/0 Set Chunk Size 4096", buffer), nil},
		{"video's chunk stream", "librtmp sends audio and video on one chunk stream, here they have one each, as with FFmpeg",
			replaced("4/1 Video", "6/1 Video"), nil},
	}},
	"recorded": {recorded, []difference{
		{"tcUrl after setup_url", "librtmp keeps that of the first URL it was given, and tells one server of another",
			replaced(`rtmp://127.0.0.1:1/first`, "rtmp://ADDRESS/app"), nil},
		{"connect's result", "python-librtmp keeps connect's result from librtmp until create_stream; here it counts when it arrives",
			both(moved(window, "3/0 connect"), moved(buffer, window)), nil},
		{"maps", "python-librtmp sends a dict as an ECMA array; a Go map is an object, and amf.ECMAArray the array",
			replaced(`3/0 object .*`, `3/0 object 8 amf.Object{{"o" 1}} amf.Object{{"k" "v"}}`), nil},
		{"_error", "an _error does not complete a call of python-librtmp, which waits until its time is out; here it does",
			replaced(`"refused" false`, `"refused" true`), nil},
		{"undefined", "python-librtmp reads undefined as None", replaced(`"undefined" null`, `"undefined" undefined`), nil},
		{"dates", "python-librtmp reads dates as None",
			replaced(`"date" null`, `"date" time.Date(1970, time.January, 2, 0, 0, 0, 0, time.UTC)`), nil},
		{"arrays", "python-librtmp loses the elements of arrays: its librtmp gives them to objects only",
			replaced(`"array" {}`, `"array" {1, "b"}`), nil},
		{"ECMA arrays", "likewise", replaced(`"map" amf.ECMAArray{}`, `"map" amf.ECMAArray{{"k" "v"}}`), nil},
		{"no result", "a handler of python-librtmp that returns None leaves the caller waiting; here null is an answer",
			added("3/0 _result 103 null null", "3/0 call me in vain"), nil},
		{"no handler", "python-librtmp leaves a caller waiting whose method it does not know; here it gets an _error",
			added(`3/0 _error 104 null amf.Object{{"level" "error"}, {"code" "NetConnection.Call.Failed"}, `+
				`{"description" "method nobody is not known"}}`, "3/0 _result 103"), nil},
		{"time in a short header", "librtmp takes the time of a packet with a short header for the message's, too; here it is the " +
			"difference to the message before unless Packet.Absolute is set", replaced(`140 ms, onDelta`, "240 ms, onDelta"), nil},
		{"unpause", "librtmp unpauses where it has paused, though more has arrived since; here the newest media counts, since the " +
			"server sends messages after it", replaced(`(pause 46 null false) 2000$`, "$1 LATER"), replaced(`(pause 46 null false) [2-9]\d{3}$`, "$1 LATER")},
	}},
}

// replaced replaces the matches in every line.
func replaced(pattern, with string) func([]string) []string {
	return func(lines []string) []string {
		var edited []string
		for _, line := range lines {
			edited = append(edited, regexp.MustCompile(pattern).ReplaceAllString(line, with))
		}
		return edited
	}
}

func both(a, b func([]string) []string) func([]string) []string {
	return func(lines []string) []string { return b(a(lines)) }
}

// added inserts a line after the first one that begins with before.
func added(line, before string) func([]string) []string {
	return func(lines []string) []string {
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, before) })
		return slices.Insert(slices.Clone(lines), i+1, line)
	}
}

// moved puts the first line that begins with prefix after the first one that begins with before.
func moved(prefix, before string) func([]string) []string {
	return func(lines []string) []string {
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, prefix) })
		if i < 0 {
			return lines
		}
		return added(lines[i], before)(slices.Delete(slices.Clone(lines), i, i+1))
	}
}

// TestSameStepsAsLibrtmp checks that the same steps with python-librtmp and with this library send the same messages, in the same order, on
// the same chunk and message streams, except for the listed differences.
func TestSameStepsAsLibrtmp(t *testing.T) {
	if out, err := exec.Command(systemPython, "-c", "import librtmp").CombinedOutput(); err != nil {
		programtest.Missing(t, fmt.Sprintf("librtmp for %s is missing: apt-get install python3-librtmp (%v: %s)", systemPython, err, out))
	}
	for name, session := range sessions {
		t.Run(name, func(t *testing.T) {
			url, theirs := recordingServer(t)
			programtest.Run(t, systemPython, "testdata/librtmp_steps.py", name, url, fewTags(t))
			url, ours := recordingServer(t)
			session.steps(t, url, ours)

			want, got := theirs.all(t), ours.all(t)
			for _, d := range session.differences {
				before := want
				want = d.theirs(before)
				assert.NotEqual(t, before, want, "this is no longer a difference: %s", d.name)
				if d.ours != nil {
					got = d.ours(got)
				}
			}
			assert.Equal(t, want, got)
		})
	}
}
