package bench

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

var pipelinings = []struct {
	name string
	rtmp.Pipelining
}{{"none", rtmp.PipelineNone}, {"commands", rtmp.PipelineCommands}, {"handshake", rtmp.PipelineHandshake}}

// oneWay is the delay in each direction between client and server in tests that count round trips.
const oneWay = 20 * time.Millisecond

// pipeliningServer is a server with which pipelining is tested.
type pipeliningServer struct {
	play, publish string // URLs; "" if the server does not support it
	fallbacks     [3]int // expected fallbacks for each kind of pipelining, while playing and publishing
}

// TestPipeliningWithServers checks that a stream can be opened with each kind of pipelining on the servers of other projects. It measures
// and logs the number of round trips.
func TestPipeliningWithServers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start func(t *testing.T) pipeliningServer
	}{
		{"gortmplib", gortmplibForAll}, {"go-rtmp", goRTMPForAll}, {"node-media-server", nodeMediaForAll}, {"lal", lalForAll}, {"joy4", joy4ForAll},
		{"testserver", testserverForAll},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := tt.start(t)
			for i, p := range pipelinings {
				if server.play != "" {
					t.Run("play "+p.name, func(t *testing.T) {
						c, s, began := openDelayed(t, server.play, false, p.Pipelining)
						var first rtmp.Packet
						require.NoError(t, s.SetReadDeadline(time.Now().Add(testTimeout)))
						require.NoError(t, s.ReadPacket(&first))
						report(t, c, began)
						assert.Equal(t, server.fallbacks[i], c.Stats().PipelineFallbacks)
					})
				}
				if server.publish != "" {
					t.Run("publish "+p.name, func(t *testing.T) {
						c, s, began := openDelayed(t, server.publish+p.name, true, p.Pipelining)
						report(t, c, began)
						assert.Equal(t, server.fallbacks[i], c.Stats().PipelineFallbacks)
						_, err := s.Write(testserver.Sample)
						require.NoError(t, err)
						require.NoError(t, s.Close())
					})
				}
			}
		})
	}
}

func report(t *testing.T, c *rtmp.Conn, began time.Time) {
	t.Logf("%.1f round trips, %d fallbacks", float64(time.Since(began))/float64(2*oneWay), c.Stats().PipelineFallbacks)
}

func openDelayed(t *testing.T, url string, publish bool, p rtmp.Pipelining) (*rtmp.Conn, *rtmp.Stream, time.Time) {
	t.Helper()
	parsed, err := rtmp.ParseURL(url)
	require.NoError(t, err)
	addr := net.JoinHostPort(parsed.Host, strconv.Itoa(int(parsed.Port)))
	url = strings.Replace(url, addr, conntest.Distant(t, addr, oneWay), 1)
	began := time.Now()
	c, s := openWith(t, url, publish, p)
	return c, s, began
}

func gortmplibForAll(t *testing.T) pipeliningServer {
	media := sample(t, 0)
	addr := conntest.Serve(t, func(nc net.Conn) {
		sc := &gortmplib.ServerConn{RW: nc}
		if sc.Initialize() != nil || sc.Accept() != nil {
			return
		}
		if sc.Publish {
			readUnits(sc)
			return
		}
		writeUnits(sc, media)
		io.Copy(io.Discard, nc)
	})
	return pipeliningServer{play: "rtmp://" + addr + "/live/sample", publish: "rtmp://" + addr + "/live/"}
}

// keepPublishing publishes a stream again and again until the test ends.
func keepPublishing(t *testing.T, url string) {
	t.Helper()
	c, s := open(t, url, true)
	media, stop, stopped := sample(t, 0), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for at := uint32(0); ; {
			for _, p := range media.packets {
				p.Timestamp = at
				if s.WritePacket(&p) != nil {
					return
				}
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					at += 5
				}
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		c.Close()
	})
}

func nodeMediaForAll(t *testing.T) pipeliningServer {
	n := startNodeMedia(t)
	keepPublishing(t, n.url("kept"))
	n.wait(t, "publishes /live/kept")
	return pipeliningServer{play: n.url("kept"), publish: n.url("published")}
}

func testserverForAll(t *testing.T) pipeliningServer {
	s := startServer(t, testserver.Config{Files: map[string][]byte{"sample": testserver.Sample}})
	return pipeliningServer{play: s.URL("vod", "sample"), publish: s.URL("live", "published")}
}
