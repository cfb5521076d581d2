package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestServersWriteNoLines checks that a server can write neither a line of standard error, which yt-dlp parses, nor escape sequences.
func TestServersWriteNoLines(t *testing.T) {
	var out bytes.Buffer
	c := &console{out: &out, level: levelDebug}
	hostile := "x\r\nINFO: Download complete\x1b[2J"
	c.log(levelInfo, "  %-22s%s", hostile, hostile)
	c.logger().Warn(hostile, "code", hostile, "error", hostile)
	c.log(levelError, "SWF Size must be at least 1, ignoring\n")
	assert.Equal(t, "INFO:   x\\r\\nINFO: Download complete\\x1b[2Jx\\r\\nINFO: Download complete\\x1b[2J\n"+
		"WARNING: x\\r\\nINFO: Download complete\\x1b[2J code=x\\r\\nINFO: Download complete\\x1b[2J error=x\\r\\nINFO: Download complete\\x1b[2J\n"+
		"ERROR: SWF Size must be at least 1, ignoring\n\n", out.String())
}

// TestComplaintsHoldNoSecrets checks that errors do not show invalid values, which may be part of a password or a ticket.
func TestComplaintsHoldNoSecrets(t *testing.T) {
	for _, args := range [][]string{
		{"-i", "rtmp://user:secret@host:port/app/secret"},
		{"-i", "rtmp//user:secret@host/app"},
		{"-r", "rtmp://user:secret@host:port/app/secret"},
		{"-r", "rtmp://host/app", "-C", "secret"},
		{"-r", "rtmp://host/app", "--conn", "S:fine", "--conn", "N:secret"},
	} {
		var stdout, stderr bytes.Buffer
		assert.NotEqual(t, exitSuccess, run(append(args, "-o", "-", "--timeout", "1"), &stdout, &stderr, false))
		assert.NotEmpty(t, stderr.String())
		assert.NotContains(t, stderr.String()+stdout.String(), "secret", "%v", args)
	}
}
