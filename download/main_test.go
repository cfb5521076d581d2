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

// long reports whether tests check many cases instead of some.
func long() bool { return os.Getenv("RTMP_LONG") != "" }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// piped starts a server in a synctest bubble that ends with the test. url is the beginning of its streams' URLs, and o contains the options
// with which a client can connect to it.
func piped(t *testing.T, cfg testserver.Config) (url string, o *rtmp.Options) {
	t.Helper()
	listener := conntest.NewPipes("server")
	s := testserver.Serve(listener, cfg)
	t.Cleanup(s.Close)
	return s.URL("vod", ""), &rtmp.Options{DialContext: listener.DialContext}
}

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
