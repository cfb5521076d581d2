package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/download"
)

// barWidth is how many characters the bar itself has. The whole line stays below 80.
const barWidth = 24

// bar makes the line of progress on a terminal.
type bar struct {
	began    time.Time
	size     int64         // of the file, then
	position time.Duration // likewise
}

func newBar() *bar { return &bar{} }

// line shows how far the download is: a bar and a percentage if the duration is known, the size, the rate, the time in the
// stream, and how long it will take.
func (b *bar) line(p *download.Progress, now time.Time) string {
	if b.began.IsZero() {
		b.began, b.size, b.position = now, p.Size, p.Position
	}
	elapsed := now.Sub(b.began).Seconds()
	rate := 0.0
	if elapsed > 0 {
		rate = float64(p.Size-b.size) / elapsed
	}
	text := fmt.Sprintf("%s %s/s  %s", bytesText(float64(p.Size)), bytesText(rate), clock(p.Position))
	if p.Duration <= 0 {
		return text
	}
	done := min(1, p.Position.Seconds()/p.Duration.Seconds())
	filled := int(done * barWidth)
	text = fmt.Sprintf("[%s%s] %5.1f%%  %s/%s", strings.Repeat("=", filled), strings.Repeat(" ", barWidth-filled),
		percent(p.Position, p.Duration), text, clock(p.Duration))
	if gained := (p.Position - b.position).Seconds(); gained > 0 && elapsed > 1 && done < 1 {
		left := (p.Duration - p.Position).Seconds() / gained * elapsed
		text += "  " + clock(time.Duration(left*float64(time.Second))) + " left"
	}
	return text
}

// clock is a time as 1:02:03.
func clock(d time.Duration) string {
	s := int64(d / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func bytesText(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 1000 {
			if unit == "B" {
				return fmt.Sprintf("%.0f B", n)
			}
			return fmt.Sprintf("%.1f %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.1f TB", n)
}
