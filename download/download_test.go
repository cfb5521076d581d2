package download

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestWhole(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	assert.Equal(t, testserver.Sample, whole(t, s.URL("vod", "sample"), nil))
}

func TestResumeAtEveryCut(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{})
	url := s.URL("vod", "sample")
	want := whole(t, url, nil)
	path := filepath.Join(t.TempDir(), "cut.flv")
	for n := len(want); n > len(want)-2000; n -= 97 {
		require.NoError(t, os.WriteFile(path, want[:n], 0o600))
		result, err := File(conntest.Context(t), url, path, &Options{Resume: true})
		require.NoError(t, err, "%d bytes", n)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, Complete, result.Outcome)
		require.True(t, bytes.Equal(want, got), "%d bytes: %+v", n, result)
	}
}
