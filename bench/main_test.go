package bench

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// go-rtmp 0.0.7 never ends this one.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/yutopp/go-rtmp.(*chunkStreamerWriterSched).Run"))
}

// testTimeout bounds whatever a test waits for.
const testTimeout = 30 * time.Second

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}
