package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestCommandLines(t *testing.T) {
	for name, args := range map[string][]string{
		"no URL":               {},
		"no RTMP URL":          {"http://example.com/x"},
		"an unknown option":    {"--nothing", "rtmp://h/a/p"},
		"no time to watch":     {"--for", "0s", "rtmp://h/a/p"},
		"no timeout":           {"--timeout", "-1s", "rtmp://h/a/p"},
		"nothing to try":       {"--try", "sometimes", "rtmp://h/a/p"},
		"a plot that can't be": {"--plot", "rates.jpg", "rtmp://h/a/p"},
		"two kinds of print":   {"--json", "--watch", "rtmp://h/a/p"},
	} {
		got := command(t, args...)
		assert.Equal(t, 3, got.code, name)
		assert.Empty(t, got.stdout, name)
		assert.NotEmpty(t, got.stderr, name)
	}
	got := command(t, "rtmp://h/a/s3cret", "http://user:s3cret@h/a/s3cret")
	assert.NotContains(t, got.stderr, "s3cret")
}

func TestHelpAndVersion(t *testing.T) {
	help := command(t, "--help")
	assert.Zero(t, help.code)
	for _, part := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OUTPUT", "EXIT STATUS", "EXAMPLES", "--publish", "--plot file"} {
		assert.Contains(t, help.stdout, part)
	}
	assert.Contains(t, command(t, "--version").stdout, "go-librtmp")
}

// TestHelpThatCannotBeWritten checks that --help and --version fail if they cannot be written.
func TestHelpThatCannotBeWritten(t *testing.T) {
	readOnly, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer readOnly.Close()
	for _, option := range []string{"--help", "--version"} {
		var stderr bytes.Buffer
		assert.Equal(t, exitUsage, run(t.Context(), []string{option}, readOnly, &stderr, false))
		assert.Contains(t, stderr.String(), os.DevNull)
	}
}

func TestSeveralURLs(t *testing.T) {
	t.Parallel()
	srv := rtmptest.Server(t, testserver.Config{})
	plot := filepath.Join(t.TempDir(), "rates.svg")
	got := command(t, "--for", "1500ms", "--plot", plot, srv.URL("vod", "sample"), "rtmp://127.0.0.1:"+conntest.UnusedPort(t)+"/a/p")
	assert.Equal(t, 2, got.code, "the exit code depends on the findings, not on the plot")
	assert.Equal(t, 1, strings.Count(got.stdout, "Side by side"))
	assert.Equal(t, 2, strings.Count(got.stdout, "\nFindings\n"))
	_, err := os.Stat(plot)
	assert.Error(t, err, "a recording arrives at once, so it has no rate for each second")
	assert.Contains(t, got.stderr, "plot")
	got = command(t, "--plot", plot, srv.URL("vod", "sample"))
	assert.Equal(t, 3, got.code, "no finding says why there is no plot")
	assert.Contains(t, got.stderr, "plot")
}

// TestStreamsThatAreCalledTheSame probes two streams of one application. Their names are secret, so the reports are numbered.
func TestStreamsThatAreCalledTheSame(t *testing.T) {
	t.Parallel()
	srv := rtmptest.Server(t, testserver.Config{})
	got := command(t, "--try", "never", srv.URL("vod", "sample"), srv.URL("vod", "other"))
	assert.Equal(t, 2, strings.Count(got.stdout, "/vod [1]"), "once as a heading, and once in the comparison")
	assert.Equal(t, 2, strings.Count(got.stdout, "/vod [2]"))
}

func TestMasker(t *testing.T) {
	hide := masker("rtmp://user:pa55@host/app?tic=ket/na-me?t=token&s=ab jtv=jt1 swfUrl=http://h/?swfsecret playpath=other?k=ooo")
	for _, secret := range []string{"user", "pa55", "na-me", "token", "ket", "jt1", "other", "ooo", "swfsecret"} {
		assert.Equal(t, "a *** b", hide("a "+secret+" b"))
	}
	assert.Equal(t, "ab app host", hide("ab app host"))
	assert.Equal(t, "a *** b", hide("a na%2Dme b"), "escaped, as servers write names in URLs")
	hide = masker(`rtmp://h/app/na"me`)
	assert.Equal(t, `play "***": lost`, hide(`play "na\"me": lost`))
	for n := maxText - 100; n < maxText+100; n++ { // for every position at which a long text may be cut
		assert.NotContains(t, hide(strings.Repeat("x", n)+`na"me`+strings.Repeat("x", maxText)), `na"`)
	}
	hide = masker("rtmp://h/app/name conn=S:val:ue conn=NS:member:oth:er")
	for _, secret := range []string{"val:ue", "oth:er"} {
		assert.Equal(t, "a *** b", hide("a "+secret+" b"))
	}
}

// TestAnOptionThatCannotBe checks that an error that matches no rule is still reported.
func TestAnOptionThatCannotBe(t *testing.T) {
	r, got := probed(t, "--proxy", "nothing://x", "--try", "never", "rtmp://127.0.0.1/a/p")
	assert.Equal(t, []string{"failed"}, r.ids())
	assert.Equal(t, 2, got.code)
}
