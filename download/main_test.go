package download

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// piped starts a server in a synctest bubble. The server ends with the test. The URL of a stream is url followed by the stream's name, and
// o connects to the server.
func piped(t *testing.T, cfg testserver.Config) (url string, o *rtmp.Options) {
	t.Helper()
	listener := conntest.NewPipes("server")
	s := testserver.Serve(listener, cfg)
	t.Cleanup(s.Close)
	return s.URL("vod", ""), &rtmp.Options{DialContext: listener.DialContext}
}

// whole returns the result of an uninterrupted download.
func whole(t *testing.T, url string, o *Options) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "whole.flv")
	result, err := File(conntest.Context(t), url, path, o)
	require.NoError(t, err)
	require.Equal(t, Complete, result.Outcome)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.EqualValues(t, len(b), result.Size)
	return b
}
