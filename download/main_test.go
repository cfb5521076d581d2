package download

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func startServer(t *testing.T, cfg testserver.Config) *testserver.Server {
	t.Helper()
	if cfg.Files == nil {
		cfg.Files = map[string][]byte{"sample": testserver.Sample}
	}
	s, err := testserver.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// whole is an uninterrupted download.
func whole(t *testing.T, url string, o *Options) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "whole.flv")
	result, err := File(testContext(t), url, path, o)
	require.NoError(t, err)
	require.Equal(t, Complete, result.Outcome)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.EqualValues(t, len(b), result.Size)
	return b
}

func tags(t *testing.T, file []byte) []flv.Tag {
	t.Helper()
	list, err := testserver.Tags(file)
	require.NoError(t, err)
	return list
}
