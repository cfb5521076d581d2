package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// TestAppRefusedByHangingUp checks the exit code if the server hangs up at connect, as nginx-rtmp does to refuse an app. It must be
// RTMPDump's, which is not the exit code for no connection.
func TestAppRefusedByHangingUp(t *testing.T) {
	server, err := testserver.Start(testserver.Config{OnMessage: func(s *testserver.Session, m *chunk.Message) {
		if message.Type(m.Type) == message.TypeCommandAMF0 {
			s.Close()
		}
	}})
	require.NoError(t, err)
	defer server.Close()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitFailed, run([]string{"-r", server.URL("app", "play"), "-o", "-"}, &stdout, &stderr, false))
	assert.Contains(t, stderr.String(), "ERROR: rtmp: connect: ")
}
