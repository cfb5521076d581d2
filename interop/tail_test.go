package interop

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/programtest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestTailArrivesAtNginx publishes a stream as fast as possible and closes the connection at once. Every byte must arrive, and nginx must
// have completed its recording when Close returns. librtmp usually loses megabytes here.
func TestTailArrivesAtNginx(t *testing.T) {
	source := filepath.Join(t.TempDir(), "long.flv")
	want := rtmptest.RepeatedSample(t, 20<<20/len(testserver.Sample)+1)
	require.NoError(t, os.WriteFile(source, rtmptest.File(want...), 0o644))
	dir := t.TempDir()
	addr := programtest.Nginx(t, dir)
	const headers = 3 // nginx writes no metadata, and the codec's header twice
	times := 3
	if os.Getenv("RTMP_LONG") != "" {
		times = 100
	}
	for i := range times {
		name := fmt.Sprint("push", i)
		require.NoError(t, publish(t, source, "rtmp://"+addr+"/rec/"+name, false, nil))
		path := filepath.Join(dir, name+".flv")
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.Remove(path))
		got := rtmptest.Tags(t, file)
		assert.Equal(t, len(want), len(got), "%s: tags", name)
		for k := headers; k < min(len(got), len(want)); k++ {
			same := got[k].Type == want[k].Type && got[k].Timestamp == want[k].Timestamp && bytes.Equal(got[k].Body, want[k].Body)
			require.True(t, same, "%s: tag %d: %v instead of %v", name, k, got[k], want[k])
		}
	}
}
