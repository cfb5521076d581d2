package server

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/live"
)

// TestRecordDuringClose checks that no recording begins while the Server is closed. The hooks' goroutine of its connection may have ended, so
// that nothing would call Files.Done, and Shutdown would wait for that.
func TestRecordDuringClose(t *testing.T) {
	s := &Server{}
	s.init()
	f := &Files{Dir: t.TempDir(), Record: RecordAll, Done: func(*Request, string, error) {}}
	f.Name = func(*Request, time.Time) string { // called after the folder has been opened
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closed = true
		return "a"
	}
	pub, err := s.hub.Publish("live/x", live.PublishOptions{})
	require.NoError(t, err)
	_, err = s.record(f, &Request{Path: "live/x"}, pub, nil, nil, func(int, func()) {})
	require.ErrorIs(t, err, ErrServerClosed)
	assert.Zero(t, s.unreported.Load())
	files, err := os.ReadDir(f.Dir)
	require.NoError(t, err)
	assert.Empty(t, files)
	require.NoError(t, s.Close())
}
