package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/capture"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestCapture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session.rtmpcap")
	got := attempt(t, ours, testserver.Config{}, "-r URL/sample -o FILE --token a-secret-token --capture "+path, nil)
	require.Equal(t, exitIncomplete, got.code, got.stderr) // RTMPDump returns this because the last packet begins before 99.9 % of the duration
	f, err := capture.Open(path)
	require.NoError(t, err)
	defer f.Close()
	s := f.Sessions()[len(f.Sessions())-1]
	_, complete := s.End()
	assert.True(t, complete)
	r := s.Reader()
	var m capture.Message
	media := 0
	for r.Next(&m) == nil {
		if m.Type == 9 {
			media++
		}
	}
	assert.Positive(t, media)

	got = attempt(t, ours, testserver.Config{}, "-r URL/sample -o FILE --capture "+t.TempDir(), nil)
	assert.Equal(t, exitFailed, got.code)
	assert.Contains(t, got.stderr, "Couldn't write the capture")
}
