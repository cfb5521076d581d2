package testserver_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// requireRecorded compares a file with the first n tags of the sample.
func requireRecorded(t *testing.T, path string, n int) {
	t.Helper()
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	tags := rtmptest.Tags(t, file)
	rtmptest.EqualTags(t, rtmptest.SampleTags(t)[:n], tags)
}

// TestRecordFails checks that the server refuses publish if the recording can't be written, and that the name then stays free.
func TestRecordFails(t *testing.T) {
	for _, kind := range []string{"record", "append", "live"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "cam.flv")
			require.NoError(t, os.Mkdir(path, 0o755)) // a folder in place of the file
			s := rtmptest.Server(t, testserver.Config{RecordDir: dir})
			c := peertest.Connect(t, s.Addr())
			for range 2 {
				id := c.CreateStream()
				c.Tell(id, "publish", "cam", kind)
				assert.Equal(t, "NetStream.Record.Failed", c.Next().Code)
				rtmptest.SendTags(c, id, rtmptest.SampleTags(t)[:3]...) // media of a refused stream, which the server drops
			}
			c.Sync()
			require.NoError(t, os.Remove(path))
			id := c.Publish("cam", kind)
			rtmptest.SendTags(c, id, rtmptest.SampleTags(t)[:20]...)
			c.Tell(id, "deleteStream", id)
			c.UntilCode("NetStream.Unpublish.Success")
			requireRecorded(t, path, 20)
		})
	}
}

// TestRecord checks that a recording contains exactly what was published, and that it can be appended to.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	s := rtmptest.Server(t, testserver.Config{RecordDir: dir})
	for i, kind := range []string{"live", "append", "record"} {
		c := peertest.Connect(t, s.Addr())
		id := c.Publish("cam", kind)
		other := c.CreateStream()
		c.Tell(other, "publish", "cam", kind)
		c.UntilCode("NetStream.Publish.BadName")
		rtmptest.SendTags(c, id, rtmptest.SampleTags(t)[:20]...)
		c.Tell(id, "deleteStream", id)
		c.UntilCode("NetStream.Unpublish.Success")
		c.CreateStream() // answered after the Unpublish hook has closed the recording; Unpublish.Success may be sent before that
		if i != 1 {
			requireRecorded(t, filepath.Join(dir, "cam.flv"), 20)
			continue
		}
		file, err := os.ReadFile(filepath.Join(dir, "cam.flv"))
		require.NoError(t, err)
		tags := rtmptest.Tags(t, file)
		require.Len(t, tags, 40)
		first := tags[20].Timestamp
		for i := range tags[20:] {
			tags[20+i].Timestamp -= first
		}
		rtmptest.EqualTags(t, rtmptest.SampleTags(t)[:20], tags[20:])
	}
}
