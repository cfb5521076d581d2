package testserver_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
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
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{RecordDir: dir}).Addr())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	id := c.Publish("cam", "record")
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/2))
	rtmptest.SendTags(c, id, rtmptest.SampleTags(t)[:20]...)
	c.Tell(id, "deleteStream", id)
	c.UntilCode("NetStream.Unpublish.Success")
	requireRecorded(t, path, 20)
}

// requireRecorded compares a file with the first n tags of the sample.
func requireRecorded(t *testing.T, path string, n int) {
	t.Helper()
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	tags := rtmptest.Tags(t, file)
	rtmptest.EqualTags(t, rtmptest.SampleTags(t)[:n], tags)
}

// A recording that can't be written is refused, viewers hear nothing of it, and the name stays free.
func TestRecordFails(t *testing.T) {
	for _, kind := range []string{"record", "append", "live"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "cam.flv")
			require.NoError(t, os.Mkdir(path, 0o755)) // where the file should be
			s := rtmptest.Server(t, testserver.Config{RecordDir: dir})
			viewer, c := peertest.Connect(t, s.Addr()), peertest.Connect(t, s.Addr())
			view(viewer, "cam")
			for range 2 {
				id := c.CreateStream()
				c.Tell(id, "publish", "cam", kind)
				assert.Equal(t, "NetStream.Record.Failed", c.Next().Code)
				rtmptest.SendTags(c, id, rtmptest.SampleTags(t)[:3]...) // to nowhere
			}
			c.Sync()
			require.NoError(t, os.Remove(path))
			id := c.Publish("cam", kind)
			rtmptest.SendTags(c, id, rtmptest.SampleTags(t)[:20]...)
			c.Tell(id, "deleteStream", id)
			c.UntilCode("NetStream.Unpublish.Success")
			requireRecorded(t, path, 20)

			assert.Equal(t, message.EventStreamBegin, viewer.Next().Event.Event)
			assert.Equal(t, "NetStream.Play.PublishNotify", viewer.Next().Code)
			viewer.UntilCode("NetStream.Play.UnpublishNotify")
			rtmptest.EqualTags(t, rtmptest.SampleTags(t)[:20], rtmptest.MediaTags(t, viewer.Skipped))
		})
	}
}
