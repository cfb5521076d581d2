package testserver_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// What is replaced is not read, however long it is.
func TestRecordOverLongFile(t *testing.T) {
	const size = 128 << 20 // bytes, all of them a hole
	dir := t.TempDir()
	path := filepath.Join(dir, "cam.flv")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	require.NoError(t, os.Truncate(path, size))
	c := connected(t, start(t, testserver.Config{RecordDir: dir}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	id := c.publish("cam", "record")
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/2))
	c.sendTags(id, sampleTags(t)[:20]...)
	c.tell(id, "deleteStream", id)
	c.untilCode("NetStream.Unpublish.Success")
	requireRecorded(t, path, 20)
}

// requireRecorded compares a file with the first n tags of the sample.
func requireRecorded(t *testing.T, path string, n int) {
	t.Helper()
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	tags, err := testserver.Tags(file)
	require.NoError(t, err)
	requireTags(t, sampleTags(t)[:n], tags)
}

// A recording that can't be written is refused, viewers hear nothing of it, and the name stays free.
func TestRecordFails(t *testing.T) {
	for _, kind := range []string{"record", "append", "live"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "cam.flv")
			require.NoError(t, os.Mkdir(path, 0o755)) // where the file should be
			s := start(t, testserver.Config{RecordDir: dir})
			viewer, c := connected(t, s), connected(t, s)
			viewer.view("cam")
			for range 2 {
				id := c.createStream()
				c.tell(id, "publish", "cam", kind)
				assert.Equal(t, "NetStream.Record.Failed", c.next().code)
				c.sendTags(id, sampleTags(t)[:3]...) // to nowhere
			}
			c.sync()
			require.NoError(t, os.Remove(path))
			id := c.publish("cam", kind)
			c.sendTags(id, sampleTags(t)[:20]...)
			c.tell(id, "deleteStream", id)
			c.untilCode("NetStream.Unpublish.Success")
			requireRecorded(t, path, 20)

			assert.Equal(t, message.EventStreamBegin, viewer.next().event.Event)
			assert.Equal(t, "NetStream.Play.PublishNotify", viewer.next().code)
			viewer.untilCode("NetStream.Play.UnpublishNotify")
			requireTags(t, sampleTags(t)[:20], media(t, viewer.skipped))
		})
	}
}
