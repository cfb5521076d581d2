package show

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// Compare writes reports side by side.
func Compare(w io.Writer, reports []*report.Report) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(name string, of func(*report.Report) string) {
		cells := []string{name}
		for _, r := range reports {
			cells = append(cells, of(r))
		}
		fmt.Fprintln(t, "  "+strings.Join(cells, "\t"))
	}
	fmt.Fprintln(t, "\nSide by side")
	row("", func(r *report.Report) string { return r.URL })
	row("round trips", func(r *report.Report) string { return fmt.Sprintf("%d", r.Trips.Count) })
	row("first packet", func(r *report.Report) string { return after(r.Media.First) })
	row("first key frame", func(r *report.Report) string { return after(r.Media.FirstKey) })
	row("video", func(r *report.Report) string {
		if v := r.Media.Video; v != nil {
			return fmt.Sprintf("%s %dx%d %.1f/s %s", v.Codec, v.Width, v.Height, v.Rate, bits(v.Bits))
		}
		return "-"
	})
	row("audio", func(r *report.Report) string {
		if a := r.Media.Audio; a != nil {
			return fmt.Sprintf("%s %d Hz %s", a.Codec, a.SampleRate, bits(a.Bits))
		}
		return "-"
	})
	row("stalls", func(r *report.Report) string { return fmt.Sprintf("%d", len(r.Media.Stalls)) })
	row("worst finding", func(r *report.Report) string {
		if len(r.Findings) == 0 {
			return "-"
		}
		return fmt.Sprintf("%s: %s", r.Findings[0].Grade, r.Findings[0].ID)
	})
	return t.Flush()
}

// after formats a time since the session began; 0 is "-".
func after(d report.Duration) string {
	if d == 0 {
		return "-"
	}
	return ms(d)
}
