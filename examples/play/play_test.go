package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestMissingStreamLeavesFilesAlone checks that no file is created or replaced if the stream does not exist.
func TestMissingStreamLeavesFilesAlone(t *testing.T) {
	server, err := testserver.Start(testserver.Config{Files: map[string][]byte{"sample": testserver.Sample}})
	require.NoError(t, err)
	defer server.Close()
	dir := t.TempDir()
	existing, absent := filepath.Join(dir, "existing.flv"), filepath.Join(dir, "absent.flv")
	require.NoError(t, os.WriteFile(existing, []byte("kept"), 0o600))
	options := &rtmp.Options{Timeout: 20 * time.Second, Buffer: time.Hour}
	for _, output := range []string{existing, absent} {
		require.ErrorContains(t, run(t.Context(), server.URL("vod", "missing"), output, options), "NetStream.Play.StreamNotFound")
	}
	content, err := os.ReadFile(existing)
	require.NoError(t, err)
	assert.Equal(t, "kept", string(content))
	assert.NoFileExists(t, absent)

	require.NoError(t, run(t.Context(), server.URL("vod", "sample"), existing, options))
	content, err = os.ReadFile(existing)
	require.NoError(t, err)
	assert.Equal(t, "FLV", string(content[:3]))
}
