package download

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestMediaTimeout checks that MediaTimeout ends a session that Timeout does not end, and that the download recovers from it.
func TestMediaTimeout(t *testing.T) {
	p := &pauses{}
	s := rtmptest.Server(t, testserver.Config{Shape: testserver.Shape{EndSignal: testserver.EndNothing}, OnMessage: p.seen})
	o := &Options{RTMP: &rtmp.Options{Timeout: -1, MediaTimeout: 50 * time.Millisecond},
		Recover: &Recovery{Attempts: 2, Delay: time.Nanosecond, MaxDelay: time.Nanosecond}}
	result, err := To(conntest.Context(t), s.URL("vod", "sample"), io.Discard, o)
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.GreaterOrEqual(t, result.Sessions, 2)
	p.mu.Lock()
	assert.Zero(t, p.on, "after MediaTimeout the server is not woken")
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(conntest.Context(t))
	cancel()
	_, err = To(ctx, s.URL("vod", "sample"), io.Discard, o)
	assert.ErrorIs(t, err, context.Canceled)
}
