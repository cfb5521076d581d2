package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestOptionsOfRTMPLite checks that the options of rtmplite's command mean the same in rtmpserver: -i and -p together select the address, -r
// and -k together record all streams, and -d and -v log more.
func TestOptionsOfRTMPLite(t *testing.T) {
	programtest.Need(t, "ffmpeg")
	dir := t.TempDir()
	c := start(t, "-r", dir, "-k", "-d", "-v")
	programtest.Run(t, "ffmpeg", "-v", "error", "-i", sample(t), "-c", "copy", "-f", "flv", c.url("live/film"))
	c.signal(os.Interrupt)
	assert.Zero(t, c.wait())
	assert.Contains(t, c.text(), `"level":"DEBUG"`)
	assert.Contains(t, c.text(), `"msg":"packet"`)

	recorded, err := os.ReadFile(filepath.Join(dir, "live", "film.flv"))
	require.NoError(t, err)
	want, err := testserver.Tags(testserver.Sample)
	require.NoError(t, err)
	got, err := testserver.Tags(recorded)
	require.NoError(t, err)
	assert.Equal(t, want[len(want)-1].Body, got[len(got)-1].Body, "the last picture or sound")

	for _, option := range []string{"-h", "--help"} {
		c := startIn(t, dir, option)
		assert.Zero(t, c.wait())
		assert.Contains(t, c.text(), "SYNOPSIS")
	}
	c = startIn(t, dir, "--version")
	assert.Zero(t, c.wait())
	assert.Contains(t, c.text(), "rtmpserver")
}
