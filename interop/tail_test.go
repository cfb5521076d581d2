package interop

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// repeatedSample writes the sample again and again, one behind the other, of so many bytes or a little more.
func repeatedSample(t *testing.T, path string, size int) (tags []flv.Tag) {
	t.Helper()
	sample, err := testserver.Tags(testserver.Sample)
	require.NoError(t, err)
	const headers, period = 4, 10_080 // tags that are not repeated; ms
	file := flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true})
	for shift := uint32(0); len(file) < size; shift += period {
		for i, tag := range sample {
			if i < headers && shift > 0 {
				continue
			}
			tag.Timestamp += shift
			file = flv.AppendTag(file, tag)
			tags = append(tags, tag)
		}
	}
	require.NoError(t, os.WriteFile(path, file, 0o644))
	return tags
}

// What was pushed as fast as possible is there to the last byte, although we close at once: nginx has ended the recording
// when Close returns. librtmp loses megabytes here in most runs.
func TestTailArrivesAtNginx(t *testing.T) {
	source := filepath.Join(t.TempDir(), "long.flv")
	want := repeatedSample(t, source, 20<<20)
	dir := t.TempDir()
	addr := startNginx(t, dir)
	const headers = 3 // nginx writes no metadata, but the codec's header twice
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
		got, err := testserver.Tags(file)
		require.NoError(t, err)
		assert.Equal(t, len(want), len(got), "%s: tags", name)
		for k := headers; k < min(len(got), len(want)); k++ {
			same := got[k].Type == want[k].Type && got[k].Timestamp == want[k].Timestamp && bytes.Equal(got[k].Body, want[k].Body)
			require.True(t, same, "%s: tag %d: %v instead of %v", name, k, got[k], want[k])
		}
	}
}
