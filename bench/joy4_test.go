package bench

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/nareix/joy4/av"
	joyrtmp "github.com/nareix/joy4/format/rtmp"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// joy4Env makes this test binary joy4's server: an address, and the URL that it plays from. That server can't be ended, so it is a
// process of its own.
const joy4Env = "RTMP_BENCH_JOY4"

func joy4ForAll(t *testing.T) pipeliningServer {
	addr := "127.0.0.1:" + conntest.UnusedPort(t)
	source := startServer(t, testserver.Config{Files: map[string][]byte{"sample": testserver.Sample}}).URL("vod", "sample")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), joy4Env+"="+addr+" "+source)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	conntest.UntilListening(t, addr)
	return pipeliningServer{play: "rtmp://" + addr + "/live/sample", publish: "rtmp://" + addr + "/live/published"}
}

// serveJoy4 plays what it pulls from source to everybody, and takes what is published.
func serveJoy4(addr, source string) error {
	server := &joyrtmp.Server{Addr: addr}
	server.HandlePublish = func(c *joyrtmp.Conn) {
		defer c.Close() // it does not do so itself
		for {
			if _, err := c.ReadPacket(); err != nil {
				return
			}
		}
	}
	server.HandlePlay = func(c *joyrtmp.Conn) {
		defer c.Close()
		from, err := joyrtmp.Dial(source)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		defer from.Close()
		var streams []av.CodecData
		if streams, err = from.Streams(); err == nil {
			err = c.WriteHeader(streams)
		}
		for range 50 {
			if err != nil {
				return
			}
			var p av.Packet
			if p, err = from.ReadPacket(); err == nil {
				err = c.WritePacket(p)
			}
		}
		c.WriteTrailer()
	}
	return server.ListenAndServe()
}
