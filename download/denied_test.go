package download

import (
	"io"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// TestHangingUpBeforeAnythingCame checks that the outcome is NotStarted rather than ClosedEarly if the server hangs up before any media, as
// nginx-rtmp does after Play.Start with "deny play".
func TestHangingUpBeforeAnythingCame(t *testing.T) {
	var cut atomic.Int64
	s := rtmptest.Server(t, testserver.Config{Fault: func(int) testserver.Fault { return testserver.Fault{Action: testserver.Cut, At: cut.Load()} }})
	seen := make(map[Outcome]int)
	for at := int64(3073); at < 5000; at += 50 { // from the handshake on
		cut.Store(at)
		result, err := To(conntest.Context(t), s.URL("vod", "sample"), io.Discard, nil)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d", at)
		want := NotStarted
		if result.Audio+result.Video+result.Data > 0 {
			want = ClosedEarly
		}
		assert.Equal(t, want, result.Outcome, "%d: %v", at, err)
		if result.Sessions > 0 {
			seen[result.Outcome]++
		}
		if result.Sessions > 0 && want == NotStarted {
			assert.ErrorContains(t, err, "the server sent nothing")
		}
	}
	assert.Len(t, seen, 2, "%v", seen)
}
