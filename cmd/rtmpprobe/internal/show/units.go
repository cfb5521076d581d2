package show

import (
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

func ms(d report.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(time.Duration(d))/float64(time.Millisecond))
}

func seconds(d report.Duration) string { return fmt.Sprintf("%.1f s", time.Duration(d).Seconds()) }

func signed(d report.Duration) string {
	n := time.Duration(d).Round(time.Millisecond).Milliseconds()
	if n == 0 {
		return "0 ms"
	}
	return fmt.Sprintf("%+d ms", n)
}

func bits(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.2f Mbit/s", n/1e6)
	default:
		return fmt.Sprintf("%.0f kbit/s", n/1e3)
	}
}

func size(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

func tracks(text string, n int) string {
	if n > 1 {
		return fmt.Sprintf("%s; %d tracks", text, n)
	}
	return text
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

func list(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}
