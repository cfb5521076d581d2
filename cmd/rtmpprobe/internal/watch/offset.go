package watch

import (
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// pairs compares the times of sound and pictures that come together.
type pairs struct {
	video, audio       time.Duration // the newest
	hasVideo, hasAudio bool
	early, late        mean // of the first and of the newest frames
}

// window is over how many frames an offset is a mean.
const window = 100

// mean is the mean of the newest frames.
type mean struct {
	values [window]time.Duration
	count  int
}

func (m *mean) add(d time.Duration) {
	m.values[m.count%window] = d
	m.count++
}

func (m *mean) value() time.Duration {
	n := min(m.count, window)
	if n == 0 {
		return 0
	}
	var sum time.Duration
	for _, v := range m.values[:n] {
		sum += v
	}
	return sum / time.Duration(n)
}

// together notes the time of a frame of either kind. Each frame is compared with the newest of the other kind, so that the steps
// between frames take turns in favour of both.
func (w *Watcher) together(t time.Duration, video bool) {
	p := &w.pairs
	if video {
		p.video, p.hasVideo = t, true
	} else {
		p.audio, p.hasAudio = t, true
	}
	if !p.hasVideo || !p.hasAudio {
		return
	}
	ahead := p.audio - p.video
	if p.early.count < window {
		p.early.add(ahead)
	}
	p.late.add(ahead)
}

// offset says how far sound and pictures are apart.
func (w *Watcher) offset(m *report.Media) {
	p := &w.pairs
	m.Offset = report.Duration(p.late.value())
	if p.late.count >= 2*window {
		m.Drift = report.Duration(p.late.value() - p.early.value())
	}
}
