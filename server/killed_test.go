package server_test

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/message"
	"github.com/go-librtmp/rtmp/server"
)

// TestKilledWhileRecording kills a server while it records twenty streams. The files must be playable, and a new server must be able to
// append to them.
func TestKilledWhileRecording(t *testing.T) {
	const streams = 20
	dir := t.TempDir()
	cmd, addr, _ := child(t, dir)
	body := append([]byte{0x17, 1, 0, 0, 0}, make([]byte, 10_000)...)
	stop, ended := make(chan struct{}), make(chan struct{}, streams)
	name := func(i int) string { return "live/" + strconv.Itoa(i) }
	for i := range streams {
		c := dial(t, "rtmp://"+addr+"/"+name(i), &rtmp.Options{Publish: true})
		s, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true, PublishType: "record"})
		require.NoError(t, err)
		go func() {
			defer func() { ended <- struct{}{} }()
			pace := time.NewTicker(10 * time.Millisecond) // for a rate of a megabyte per second
			defer pace.Stop()
			for n := uint32(0); ; n++ {
				select {
				case <-stop:
					return
				case <-pace.C:
				}
				if s.WritePacket(&message.Packet{Type: message.TypeVideo, Timestamp: n * 40, Body: body}) != nil {
					return
				}
			}
		}()
	}
	size := func(i int) int64 {
		info, err := os.Stat(filepath.Join(dir, name(i)+".flv"))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	eventually(t, "all are recorded", func() bool {
		for i := range streams {
			if size(i) < 500_000 {
				return false
			}
		}
		return true
	})
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	close(stop)
	for range streams {
		<-ended
	}

	done := make(chan error, streams)
	again := app(t, &server.App{Files: &server.Files{Dir: dir, AsFast: true, Done: func(_ *server.Request, _ string, err error) { done <- err }},
		Live: server.Live{Linger: -1}})
	for i := range streams {
		url := "rtmp://" + again + "/" + name(i)
		before := count(t, url)
		assert.GreaterOrEqual(t, before, 49)
		c := dial(t, url, &rtmp.Options{Publish: true})
		s, err := c.CreateStream(background(t), &rtmp.StreamOptions{Writable: true, PublishType: "append"})
		require.NoError(t, err)
		require.NoError(t, s.WritePacket(&message.Packet{Type: message.TypeVideo, Body: body}))
		require.NoError(t, s.Close())
		require.NoError(t, waitFor(t, "Done", done))
		require.NoError(t, c.Close())
		assert.InDelta(t, before+1, count(t, url), 1, "the truncated tag has been removed")
	}
}

// count plays a file to its end, and returns the number of pictures.
func count(t testing.TB, url string) (n int) {
	t.Helper()
	c := dial(t, url, nil)
	defer c.Close()
	s, err := c.CreateStream(background(t), nil)
	require.NoError(t, err)
	for {
		var p message.Packet
		err := s.ReadPacket(&p)
		if err == io.EOF {
			return n
		}
		require.NoError(t, err)
		if p.Type == message.TypeVideo {
			n++
		}
	}
}
