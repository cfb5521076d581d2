package download

import (
	"context"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/conntest"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	"github.com/go-librtmp/rtmp/internal/rtmptest"
	"github.com/go-librtmp/rtmp/internal/testserver"
)

// slowPlayer takes its time for each message, and for ever when it has no more.
type slowPlayer struct {
	fakePlayer
	each time.Duration
}

func (p *slowPlayer) next(ctx context.Context) (*rtmp.Packet, error) {
	wait := p.each
	if len(p.tags) == 0 {
		wait = time.Hour
	}
	if err := reconnect.Sleep(ctx, wait); err != nil {
		return nil, err
	}
	return p.fakePlayer.next(ctx)
}

func TestMediaTimeout(t *testing.T) {
	all := sample(t)
	synctest.Test(t, func(t *testing.T) {
		d, err := newDownload("rtmp://h/a/b", &Options{RTMP: &rtmp.Options{MediaTimeout: 20 * time.Second}})
		require.NoError(t, err)
		d.out = newOutput(io.Discard, 0)
		d.open = func(context.Context, time.Duration) (player, error) {
			return &slowPlayer{fakePlayer{all[:50], nil}, 15 * time.Second}, nil
		}
		began := time.Now()
		result, err := d.run(t.Context())
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, Truncated, result.Outcome)
		assert.Equal(t, 50*15*time.Second+20*time.Second, time.Since(began))
	})
}

// It ends what Timeout does not, and is recovered from like other silence.
func TestMediaTimeoutWithServer(t *testing.T) {
	s := rtmptest.Server(t, testserver.Config{Shape: testserver.Shape{EndSignal: testserver.EndNothing}})
	o := &Options{RTMP: &rtmp.Options{Timeout: -1, MediaTimeout: 50 * time.Millisecond},
		Recover: &Recovery{Attempts: 2, Delay: time.Nanosecond, MaxDelay: time.Nanosecond}}
	result, err := To(conntest.Context(t), s.URL("vod", "sample"), io.Discard, o)
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.GreaterOrEqual(t, result.Sessions, 2)
	ctx, cancel := context.WithCancel(conntest.Context(t))
	cancel()
	_, err = To(ctx, s.URL("vod", "sample"), io.Discard, o)
	assert.ErrorIs(t, err, context.Canceled)
}
