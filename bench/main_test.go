package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-librtmp/rtmp"
)

// scratch is a folder for what several tests share.
var scratch string

func TestMain(m *testing.M) {
	if addr, source, ok := strings.Cut(os.Getenv(joy4Env), " "); ok {
		fmt.Fprintln(os.Stderr, serveJoy4(addr, source))
		os.Exit(1)
	}
	var err error
	if scratch, err = os.MkdirTemp("", "bench"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	remove := goleak.Cleanup(func(code int) {
		os.RemoveAll(scratch)
		os.Exit(code)
	})
	// go-rtmp 0.0.7 never ends this goroutine.
	goleak.VerifyTestMain(m, remove, goleak.IgnoreTopFunction("github.com/yutopp/go-rtmp.(*chunkStreamerWriterSched).Run"))
}

// testTimeout bounds every wait in a test.
const testTimeout = 30 * time.Second

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// open opens a stream of this library, to publish or to play it. The connection is closed at the end of the test.
func open(t *testing.T, url string, publish bool) (*rtmp.Conn, *rtmp.Stream) {
	t.Helper()
	return openWith(t, url, publish, rtmp.PipelineNone)
}

func openWith(t *testing.T, url string, publish bool, p rtmp.Pipelining) (*rtmp.Conn, *rtmp.Stream) {
	t.Helper()
	c, err := rtmp.Dial(testContext(t), url, &rtmp.Options{Pipelining: p, Live: !publish, Publish: publish})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	s, err := c.CreateStream(testContext(t), &rtmp.StreamOptions{Writable: publish})
	require.NoError(t, err)
	return c, s
}
