package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/download"
)

// barWidth is the width of the bar in characters. The whole line has fewer than 80.
const barWidth = 24

// barLine returns a line with the progress of a download. It has a bar and a percentage if the duration is known. If complete is set the
// bar is full, although the last packet begins earlier.
func barLine(p *download.Progress, complete bool) string {
	text := fmt.Sprintf("%s %s/s  %s", bytesText(float64(p.Size)), bytesText(p.Rate), clock(p.Position))
	if p.Duration <= 0 {
		return text
	}
	done := min(100, percent(p.Position, p.Duration))
	if complete {
		done = 100
	}
	filled := int(done * barWidth / 100)
	text = fmt.Sprintf("[%s%s] %5.1f%%  %s/%s", strings.Repeat("=", filled), strings.Repeat(" ", barWidth-filled),
		done, text, clock(p.Duration))
	if p.Remaining > 0 && done < 100 {
		text += "  " + clock(p.Remaining) + " left"
	}
	return text
}

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
