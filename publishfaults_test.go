package rtmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// brokenRelay starts a relay to a server that forwards passes bytes from the client, and then resets the connection or stops reading. It
// returns the address of the relay and a function that ends it.
func brokenRelay(t *testing.T, server string, passes int64, reset bool) (addr string, end func()) {
	t.Helper()
	l := conntest.Listen(t)
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		client.(*net.TCPConn).SetReadBuffer(256 << 10)
		onward, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer onward.Close()
		running.Go(func() { io.Copy(client, onward) })
		if _, err := io.CopyN(onward, client, passes); err != nil {
			return // the client has closed the connection before the fault
		}
		if reset {
			client.(*net.TCPConn).SetLinger(0)
			return
		}
		<-stop
	})
	return l.Addr().String(), func() {
		close(stop)
		l.Close()
		running.Wait()
	}
}

// TestPublishingNetworkFails lets the network fail at different positions. The client must return an error in time and leak nothing, and
// the server must have recorded only whole tags.
func TestPublishingNetworkFails(t *testing.T) {
	step := int64(19_997)
	if os.Getenv("RTMP_LONG") != "" {
		step = 211
	}
	for _, reset := range []bool{true, false} {
		t.Run(fmt.Sprintf("reset=%t", reset), func(t *testing.T) {
			dir := t.TempDir()
			server := rtmptest.Server(t, testserver.Config{RecordDir: dir})
			var workers sync.WaitGroup
			positions := make(chan int64)
			for range 4 {
				workers.Go(func() {
					for at := range positions {
						name := fmt.Sprint("at", at)
						addr, end := brokenRelay(t, server.Addr(), at, reset)
						err := publishSample("rtmp://"+addr+"/live/"+name, &Options{Timeout: 150 * time.Millisecond})
						end()
						assert.True(t, isDocumented(err), "byte %d: %v", at, err)
						isSample(t, filepath.Join(dir, name+".flv"))
					}
				})
			}
			for at := int64(1); at < 260_000; at += step {
				positions <- at
			}
			close(positions)
			workers.Wait()
		})
	}
}

// publishSample publishes the sample, and then more media until there is an error, which it returns.
func publishSample(rawURL string, o *Options) error {
	c, err := Dial(context.Background(), rawURL, o)
	if err != nil {
		return err
	}
	s, err := c.CreateStream(context.Background(), &StreamOptions{Writable: true})
	if err != nil {
		c.Close()
		return err
	}
	_, err = s.ReadFrom(bytes.NewReader(testserver.Sample))
	for range 100 { // until all buffers up to the server are full
		if err == nil {
			_, err = s.Write(large)
		}
	}
	return errors.Join(err, s.Close(), c.Close())
}

// isSample checks that the server's recording consists of the first tags of the sample.
func isSample(t *testing.T, path string) {
	file, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) { // nothing was published yet
		return
	}
	require.NoError(t, err)
	got, _ := testserver.Tags(file) // the last tag may be half written
	want := rtmptest.SampleTags(t)
	for i := range min(len(got), len(want)) {
		assert.Equal(t, want[i], got[i])
	}
}
