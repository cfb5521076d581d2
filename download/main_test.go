package download

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp/internal/conntest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
