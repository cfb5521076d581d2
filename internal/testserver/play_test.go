package testserver_test

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/peertest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
	"github.com/go-librtmp/rtmp/message"
)

// pipes is a listener of connections without buffers: nothing is sent before it is read, so that a test knows how far the
// server is, and no system is involved, so that synctest can tell the time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	nc, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return nc, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// overPipe runs test with a client on a pipe, which is a *recorded, in a bubble of synctest.
func overPipe(t *testing.T, cfg testserver.Config, test func(t *testing.T, c *peertest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Files = map[string][]byte{"sample": testserver.Sample}
		listener := make(pipes)
		s := testserver.Serve(listener, cfg)
		defer s.Close()
		ours, theirs := net.Pipe()
		defer ours.Close()
		listener <- theirs
		c := peertest.NewClient(t, &recorded{Conn: ours})
		c.Connect()
		test(t, c)
	})
}

// isStop tells the last message of a recording.
func isStop(m peertest.Message) bool { return m.Code == "NetStream.Play.Stop" }

// keyFrames are the indices of the sample's pictures of 0, 2000, 4000, 6000 and 8000 ms.
var keyFrames = [...]int{3, 137, 273, 409, 546}

func TestPlay(t *testing.T) {
	all := rtmptest.SampleTags(t)
	const everything = 1 << 31
	for name, test := range map[string]struct {
		args  []any
		first int    // the tag to begin with; if it is not the first, metadata and sequence headers come with its time
		end   uint32 // where the tags end, ms
	}{
		"all":                  {nil, 0, everything},
		"any kind":             {[]any{-2000}, 0, everything},
		"from the start":       {[]any{0}, 0, everything},
		"at a key frame":       {[]any{4000}, keyFrames[2], everything},
		"behind a key frame":   {[]any{5999}, keyFrames[2], everything},
		"in the first seconds": {[]any{1000}, keyFrames[0], everything},
		"behind the end":       {[]any{1e6}, keyFrames[4], everything},
		"more than 32 bits":    {[]any{1e12}, keyFrames[4], everything},
		"to the end":           {[]any{0, -1}, 0, everything},
		"the beginning":        {[]any{0, 1500}, 0, 1500},
		"a part":               {[]any{4000, 2000}, keyFrames[2], 6000},
		"a part of any kind":   {[]any{-2000, 2000}, 0, 2000},
		"longer than it is":    {[]any{0, 1e12}, 0, everything},
		"arguments of no use":  {[]any{"x", "y"}, 0, everything},
	} {
		t.Run(name, func(t *testing.T) {
			c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{}).Addr())
			id := c.Play("sample", test.args...)
			c.Until(isStop)
			var want []flv.Tag
			if test.first > 0 {
				want = headersAt(all, all[test.first].Timestamp)
			}
			for _, tag := range all[test.first:] {
				if tag.Timestamp >= test.end {
					break
				}
				want = append(want, tag)
			}
			rtmptest.EqualTags(t, want, rtmptest.MediaTags(t, c.Skipped))
			for _, m := range c.Skipped {
				if m.Type.Media() {
					require.Equal(t, id, m.StreamID)
				}
			}
		})
	}
}

// headersAt are the sample's metadata and sequence headers with another time.
func headersAt(all []flv.Tag, ms uint32) []flv.Tag {
	headers := slices.Clone(all[:3])
	for i := range headers {
		headers[i].Timestamp = ms
	}
	return headers
}

// What comes before and after the media.
func TestPlayBeginsAndEnds(t *testing.T) {
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{}).Addr())
	names := func() (names []string) {
		for _, m := range c.Skipped {
			switch {
			case m.Type == message.TypeDataAMF0:
				data, err := message.ParseData(m.Type, m.Body)
				require.NoError(t, err)
				names = append(names, data.Name)
			case m.Type == message.TypeUserControl:
				names = append(names, map[message.Event]string{message.EventStreamIsRecorded: "recorded",
					message.EventStreamBegin: "begin", message.EventStreamEOF: "eof"}[m.Event.Event])
			case m.Code != "":
				names = append(names, m.Code)
			}
		}
		return names
	}
	c.Play("sample")
	c.Until(isStop)
	assert.Equal(t, []string{"recorded", "begin", "NetStream.Play.Reset", "NetStream.Play.Start", "|RtmpSampleAccess",
		"onMetaData", "eof", "onPlayStatus"}, names())
	for _, keep := range []any{false, 0} { // to be added to a playlist: no Reset
		c.Play("sample", 0, -1, keep)
		c.Until(isStop)
		assert.NotContains(t, names(), "NetStream.Play.Reset")
	}
	c.Play("sample", 0, 0) // one picture
	c.Until(isStop)
	var pictures int
	for _, tag := range rtmptest.MediaTags(t, c.Skipped) {
		if h, err := flv.ParseVideoHeader(tag.Body); tag.Type == flv.TagVideo && err == nil && h.IsFrame() {
			pictures++
		}
	}
	assert.Equal(t, 1, pictures)
}

func TestRecordings(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "whole.flv"), testserver.Sample, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty.flv"), testserver.Sample[:13], 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "damaged.flv"), []byte("not FLV, but long enough"), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "inner"), 0o755))
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{Dir: filepath.Join(dir, "inner", ".."),
		Files: map[string][]byte{"sample": testserver.Sample}}).Addr())
	for name, tags := range map[string]int{
		"sample": 686, "mp4:sample": 686, "flv:sample": 686, "mp3:sample": 686, "whole": 686, "whole.flv": 686, "mp4:whole": 686, "empty": 0,
		"nothing": -1, "damaged": -1, "": -1, "inner": -1, "../whole": -1, "inner/../../x": -1, "/etc/passwd": -1, "aac:sample": -1,
	} {
		c.Play(name, 0)
		end := c.Until(func(m peertest.Message) bool { return isStop(m) || m.Code == "NetStream.Play.StreamNotFound" })
		if tags < 0 {
			assert.Equal(t, "NetStream.Play.StreamNotFound", end.Code, name)
			continue
		}
		assert.True(t, isStop(end), name)
		assert.Len(t, rtmptest.MediaTags(t, c.Skipped), tags, name)
	}
}

// Several streams at once, each with all of its own.
func TestPlayTwice(t *testing.T) {
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{}).Addr())
	one, two := c.CreateStream(), c.CreateStream()
	c.Tell(one, "play", "sample")
	c.Tell(two, "play", "sample")
	all := make(map[uint32][]peertest.Message)
	for stops := 0; stops < 2; {
		m := c.Next()
		all[m.StreamID] = append(all[m.StreamID], m)
		if isStop(m) {
			stops++
		}
	}
	rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.MediaTags(t, all[one]))
	rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.MediaTags(t, all[two]))

	c.Tell(one, "play", "sample") // and again on the same
	c.Until(isStop)
	rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.MediaTags(t, c.Skipped))
}

// However often it is paused, nothing is lost or sent twice, and while it is nothing is sent.
func TestPause(t *testing.T) {
	for name, test := range map[string]struct {
		cfg    testserver.Config
		pauses int // at least: without Realtime much is sent at once
	}{
		"as fast as possible": {testserver.Config{}, 2},
		"realtime":            {testserver.Config{Realtime: true}, 8},
		"chunks by hand":      {testserver.Config{Realtime: true, Shape: testserver.Shape{AudioChunkStream: 5}}, 8},
		"aggregates":          {testserver.Config{Shape: testserver.Shape{Aggregate: 7}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			overPipe(t, test.cfg, func(t *testing.T, c *peertest.Client) {
				all, pauses := playWithPauses(t, c)
				assert.GreaterOrEqual(t, pauses, test.pauses)
				rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.MediaTags(t, all))
			})
		})
	}
}

// playWithPauses plays the sample with a pause after 10, 20, 30 ... messages.
func playWithPauses(t *testing.T, c *peertest.Client) (all []peertest.Message, pauses int) {
	t.Helper()
	id := c.Play("sample")
	for step := 10; ; step += 10 {
		for range step {
			m := c.Next()
			if all = append(all, m); isStop(m) {
				return all, pauses
			}
		}
		c.Tell(id, "pause", true, 0)
		synctest.Wait() // the server has stopped, or does when what it is writing has been read
		last := c.Until(func(m peertest.Message) bool { return isStop(m) || m.Code == "NetStream.Pause.Notify" })
		if all = append(all, c.Skipped...); isStop(last) {
			c.UntilCode("NetStream.Pause.Notify")
			return all, pauses
		}
		pauses++
		assert.Equal(t, message.EventStreamEOF, c.Next().Event.Event)
		c.Sync()
		assert.Empty(t, c.Skipped, "paused")
		c.Tell(id, "pause", false, 0)
		assert.Equal(t, "NetStream.Unpause.Notify", c.Next().Code)
	}
}

// With Realtime a tag is sent when it is due, less the client's buffer, to the millisecond.
func TestRealtime(t *testing.T) {
	overPipe(t, testserver.Config{Realtime: true}, func(t *testing.T, c *peertest.Client) {
		id := c.Play("sample")
		began := time.Now()
		elapsed := func() int64 { return time.Since(began).Milliseconds() }
		var all []peertest.Message
		// to reads on to the first tag of a time, which it leaves out if the stream ends before.
		to := func(ms uint32, each func(m peertest.Message)) {
			for len(all) == 0 || all[len(all)-1].Timestamp < ms {
				m := c.Next()
				all = append(all, m)
				if isStop(m) {
					return
				}
				if m.Type.Media() {
					each(m)
				}
			}
		}
		to(2000, func(m peertest.Message) { require.EqualValues(t, m.Timestamp, elapsed()) })
		c.Control(message.TypeUserControl, message.AppendSetBufferLength(nil, id, 3000))
		to(4000, func(m peertest.Message) {
			require.LessOrEqual(t, elapsed(), int64(2100), "the buffer is filled at once")
		})
		to(6000, func(m peertest.Message) { require.EqualValues(t, max(m.Timestamp, 5000), elapsed()+3000) })
		c.Control(message.TypeUserControl, message.AppendSetBufferLength(nil, id, 0))
		to(7000, func(m peertest.Message) { require.EqualValues(t, m.Timestamp, elapsed()) })

		c.Tell(id, "pause", true, 0)
		c.UntilCode("NetStream.Pause.Notify")
		all = append(all, c.Skipped...)
		c.UntilEvent(message.EventStreamEOF)
		time.Sleep(time.Hour) // of the bubble
		require.NoError(t, c.Conn.SetDeadline(time.Now().Add(time.Minute)))
		c.Tell(id, "pause", false, 0)
		assert.Equal(t, "NetStream.Unpause.Notify", c.Next().Code, "nothing has been sent meanwhile")
		assert.Equal(t, message.EventStreamBegin, c.Next().Event.Event)
		var base uint32 // the time goes on with the first tag
		began = time.Now()
		to(9900, func(m peertest.Message) {
			if base == 0 {
				base = m.Timestamp
			}
			require.EqualValues(t, m.Timestamp-base, elapsed())
		})
		for !isStop(all[len(all)-1]) {
			all = append(all, c.Next())
		}
		rtmptest.EqualTags(t, rtmptest.SampleTags(t), rtmptest.MediaTags(t, all))
	})
}

func TestSeek(t *testing.T) {
	all := rtmptest.SampleTags(t)
	c := peertest.Connect(t, rtmptest.Server(t, testserver.Config{}).Addr())
	id := c.Play("sample")
	c.Until(isStop)
	for _, test := range []struct {
		to    any
		first int
	}{{4000, keyFrames[2]}, {4999.9, keyFrames[2]}, {0, keyFrames[0]}, {9960, keyFrames[4]}, {1, keyFrames[0]}} {
		c.Tell(id, "seek", test.to)
		c.UntilCode("NetStream.Seek.Notify")
		assert.Equal(t, message.EventStreamBegin, c.Next().Event.Event)
		assert.Equal(t, "NetStream.Play.Start", c.Next().Code)
		c.Until(isStop)
		rtmptest.EqualTags(t, append(headersAt(all, all[test.first].Timestamp), all[test.first:]...), rtmptest.MediaTags(t, c.Skipped))
	}
	for _, bad := range []any{-1, 9961, 1e12} {
		c.Tell(id, "seek", bad)
		m := c.Next()
		assert.Equal(t, "NetStream.Seek.InvalidTime", m.Code, bad)
		assert.Equal(t, "error", message.ParseStatus(m.Command.Args).Level)
	}
}
