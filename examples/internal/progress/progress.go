// Package progress displays the progress of a stream. The examples share it.
package progress

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/go-librtmp/rtmp/flv"
)

// Meter inspects the FLV bytes that are written to it and displays how far the stream has come, as a bar on a terminal and otherwise as a
// line every few seconds.
type Meter struct {
	Info  flv.Info // information about the bytes so far
	Bytes int64
	// Duration returns the duration of the whole stream. Nil or 0 means that it is unknown.
	Duration func() time.Duration
	// Extra returns text to add to the display. Nil means none.
	Extra func() string

	parser   flv.Parser
	out      *os.File
	terminal bool
	bar      *progressbar.ProgressBar
	started  time.Time
	printed  time.Time
	last     string // the newest line, which the bar may not have displayed yet
}

const lineInterval = 2 * time.Second

// New returns a Meter that writes to out.
func New(out *os.File) *Meter {
	now := time.Now()
	return &Meter{out: out, terminal: term.IsTerminal(int(out.Fd())), started: now, printed: now}
}

// Write inspects FLV bytes. It never fails.
func (m *Meter) Write(b []byte) (int, error) {
	for rest := b; ; {
		var tag flv.Tag
		n, ok, err := m.parser.Parse(rest, &tag)
		if err != nil {
			return 0, err
		}
		if rest = rest[n:]; !ok {
			break
		}
		tag.Body = bytes.Clone(tag.Body)
		m.Info.Add(tag)
	}
	m.Bytes += int64(len(b))
	m.update()
	return len(b), nil
}

func (m *Meter) update() {
	position := max(m.Info.Video.Last, m.Info.Audio.Last) - min(m.Info.Video.First, m.Info.Audio.First)
	duration := time.Duration(0)
	if m.Duration != nil {
		duration = m.Duration()
	}
	rate := float64(m.Bytes) / 1024 / max(time.Since(m.started).Seconds(), 0.001)
	text := fmt.Sprintf("%.0f kB  %.0f kB/s  %s", float64(m.Bytes)/1024, rate, clock(position))
	if duration > 0 {
		text += " of " + clock(duration)
	}
	if m.Extra != nil {
		text += m.Extra()
	}
	m.last = text
	if duration > 0 {
		m.last = fmt.Sprintf("%s  %.1f%%", text, 100*min(1, position.Seconds()/duration.Seconds()))
	}
	m.show(text, position, duration)
}

func (m *Meter) show(text string, position, duration time.Duration) {
	if !m.terminal {
		if time.Since(m.printed) < lineInterval {
			return
		}
		m.printed = time.Now()
		fmt.Fprintln(m.out, m.last)
		return
	}
	if m.bar == nil {
		total := int64(-1) // a spinner
		if duration > 0 {
			total = duration.Milliseconds()
		}
		m.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(m.out), progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(false))
	}
	m.bar.Describe(text)
	if duration > 0 {
		m.bar.Set64(min(position, duration).Milliseconds())
	} else {
		m.bar.Add(1)
	}
}

// Finish ends the display with the newest line.
func (m *Meter) Finish() {
	if m.bar != nil {
		m.bar.Clear()
		fmt.Fprintln(m.out, m.last)
	}
}

func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
