package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestMediaTimeout(t *testing.T) {
	got := attempt(t, ours, testserver.Config{Shape: testserver.Shape{EndSignal: testserver.EndNothing}},
		"-r URL/sample -o FILE -m 0 --media-timeout 1", nil)
	assert.Equal(t, exitIncomplete, got.code)
	assert.Contains(t, got.stderr, "no message of the stream in 1s")
}
