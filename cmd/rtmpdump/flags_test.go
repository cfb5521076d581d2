package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestNumbersOnTheCommandLine checks that values that are not numbers are errors. RTMPDump reads "-B abc" as "-B 0", and saves the whole
// stream.
func TestNumbersOnTheCommandLine(t *testing.T) {
	for _, name := range []string{"-B", "-A", "-m", "-k", "-c", "--media-timeout"} {
		for _, bad := range []string{"abc", "", ".", "nan", "s30"} {
			_, err := parseFlags([]string{name, bad}, &console{})
			assert.ErrorContains(t, err, "not a number", "%s %q", name, bad)
		}
	}
	o, err := parseFlags([]string{"-A", "1.5s", "-B", " 30", "-m", "7x", "-k", "-2", "-b", "+100"}, &console{})
	require.NoError(t, err)
	assert.EqualValues(t, 1500, o.start.ms)
	assert.EqualValues(t, 30_000, o.stop.ms)
	assert.Equal(t, []int{7, -2, 100}, []int{o.timeout.n, o.skip.n, o.buffer.n})
}

func TestURLAlone(t *testing.T) {
	for _, args := range []string{"URL/sample -o FILE --json", "-o FILE -i URL/sample --json URL/other"} {
		got := attempt(t, ours, testserver.Config{}, args, nil)
		assert.Equal(t, exitSuccess, got.code, "%s: %s", args, got.stderr)
	}
}

// TestUnknownOption checks that the error is the end of the output, where users see it.
func TestUnknownOption(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitFailed, run([]string{"--nosuch"}, &stdout, &stderr, false))
	assert.Regexp(t, `unknown flag: --nosuch\nSee rtmpdump --help for the options\.\n$`, stderr.String())
}
