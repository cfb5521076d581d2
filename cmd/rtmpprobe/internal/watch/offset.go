package watch

import (
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// pairs compares the timestamps of audio and video that arrive together.
type pairs struct {
	video, audio       time.Duration // the newest timestamps
	hasVideo, hasAudio bool
	early, late        mean // mean offsets over the first and the newest frames
}

// window is the number of frames in a mean.
const window = 100

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

// compare records the timestamp of a frame, and compares it with the newest timestamp of the other kind of media. Since frames of both kinds
// are compared, the time between frames cancels out.
func (w *Watcher) compare(t time.Duration, video bool) {
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

func (w *Watcher) offset(m *report.Media) {
	p := &w.pairs
	m.Offset = report.Duration(p.late.value())
	if p.late.count >= 2*window {
		m.Drift = report.Duration(p.late.value() - p.early.value())
	}
}
