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

// joy4Env is an environment variable with which this test binary runs a joy4 server. It contains the address, and the URL that the server
// plays from. The server can't be stopped, so it is a separate process.
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

// serveJoy4 runs a joy4 server. It plays the stream at source to every player, and accepts publishers.
func serveJoy4(addr, source string) error {
	server := &joyrtmp.Server{Addr: addr}
	server.HandlePublish = func(c *joyrtmp.Conn) {
		defer c.Close() // joy4 does not close the connection itself
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
