package web_test

import (
	"context"
	"path/filepath"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/encoded"
	"github.com/go-librtmp/rtmp/media"
)

// second is one second of media.
type second struct {
	track media.Track
	units []encoded.Unit
}

// made returns a function that returns a second of media. It encodes the media at its first call.
func made(c encoded.Codec) func(t *testing.T) second {
	var mu sync.Mutex
	var s second
	return func(t *testing.T) second {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if s.units == nil {
			track, units, err := c.Make(t.Context(), filepath.Join(t.TempDir(), "second.mp4"))
			require.NoError(t, err)
			s = second{*track, units}
		}
		return s
	}
}

// The pictures are small, so that encoding them takes little time.
var (
	h265 = made(encoded.Codec{Name: "H.265", Codec: media.H265, Args: []string{"testsrc2=s=160x90:r=10:d=1", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"}})
	av1  = made(encoded.Codec{Name: "AV1", Codec: media.AV1, Args: []string{"testsrc2=s=160x90:r=10:d=1", "-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"}})
	opus = made(encoded.Codec{Name: "Opus", Codec: media.Opus, Args: []string{"sine=r=48000:d=1", "-c:a", "libopus"}})
)

// publish publishes one second of each codec again and again, in real time, until stop is called or the test ends. ffmpeg 5 can't write
// these codecs to FLV.
func (s *site) publish(t *testing.T, path string, codecs ...func(t *testing.T) second) (stop func()) {
	t.Helper()
	type unit struct {
		encoded.Unit
		track *media.Track
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var tracks []*media.Track
	var units []unit
	for _, codec := range codecs {
		made := codec(t)
		tracks = append(tracks, &made.track)
		for _, u := range made.units {
			units = append(units, unit{u, &made.track})
		}
	}
	sort.SliceStable(units, func(i, k int) bool { return units[i].DTS < units[k].DTS })
	p, err := s.server.Publish(ctx, path)
	require.NoError(t, err)
	w := media.NewWriter(p, tracks...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer p.Close()
		begun := time.Now()
		for round := time.Duration(0); ; round += time.Second {
			for _, u := range units {
				u.PTS, u.DTS = u.PTS+round, u.DTS+round
				select {
				case <-time.After(time.Until(begun.Add(u.DTS))):
				case <-ctx.Done():
					return
				}
				if u.Write(w, u.track) != nil {
					return
				}
			}
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}
