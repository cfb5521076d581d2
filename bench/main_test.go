package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if addr, source, ok := strings.Cut(os.Getenv(joy4Env), " "); ok {
		fmt.Fprintln(os.Stderr, serveJoy4(addr, source))
		os.Exit(1)
	}
	// go-rtmp 0.0.7 never ends this goroutine.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/yutopp/go-rtmp.(*chunkStreamerWriterSched).Run"))
}

// testTimeout bounds every wait in a test.
const testTimeout = 30 * time.Second

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}
