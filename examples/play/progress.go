package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far the stream is: a bar on a terminal, else a line every few seconds.
type progress struct {
	out      *os.File
	live     bool
	terminal bool
	bar      *progressbar.ProgressBar
	started  time.Time
	printed  time.Time
	last     string // the newest line, which the bar may not have shown yet
}

const lineInterval = 2 * time.Second

func newProgress(out *os.File, live bool) *progress {
	now := time.Now()
	return &progress{out: out, live: live, terminal: term.IsTerminal(int(out.Fd())), started: now, printed: now}
}

// update is told the bytes and the media time so far, and the whole duration if it is known.
func (p *progress) update(bytes int64, position, duration time.Duration) {
	if p.live {
		duration = 0
	}
	rate := float64(bytes) / 1024 / max(time.Since(p.started).Seconds(), 0.001)
	text := fmt.Sprintf("%.0f kB  %.0f kB/s  %s", float64(bytes)/1024, rate, clock(position))
	p.last = text
	if duration > 0 {
		text += " of " + clock(duration)
		p.last = fmt.Sprintf("%s  %.1f%%", text, 100*min(1, position.Seconds()/duration.Seconds()))
	}
	if !p.terminal {
		if time.Since(p.printed) < lineInterval {
			return
		}
		p.printed = time.Now()
		fmt.Fprintln(p.out, p.last)
		return
	}
	if p.bar == nil {
		total := int64(-1) // a spinner
		if duration > 0 {
			total = duration.Milliseconds()
		}
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.out), progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(false))
	}
	p.bar.Describe(text)
	if duration > 0 {
		p.bar.Set64(min(position, duration).Milliseconds())
	} else {
		p.bar.Add(1)
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Clear()
		fmt.Fprintln(p.out, p.last)
	}
}

func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
