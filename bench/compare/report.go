package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/go-librtmp/rtmp/bench/report"
)

func (c *client) spread(of func(outcome) float64) report.Spread {
	var figures []float64
	for _, o := range c.runs {
		figures = append(figures, of(o))
	}
	return report.SpreadOf(figures)
}

func figure(o outcome) float64 { return o.figure }

// ratios compares c with another client. It returns the ratios of their figures in the same rounds, or "" if one of the two clients has fewer
// runs.
func (w *work) ratios(c *client, name string) string {
	i := slices.IndexFunc(w.clients, func(other *client) bool { return other.name == name })
	if i < 0 || len(c.runs) != len(w.clients[i].runs) || c.name == name {
		return ""
	}
	var ratios []float64
	for k, o := range w.clients[i].runs {
		ratios = append(ratios, c.runs[k].figure/o.figure)
	}
	s := report.SpreadOf(ratios)
	return fmt.Sprintf("%.2f (%.2f to %.2f)", s.Median, s.Low, s.High)
}

// table writes the median, the lowest and the highest figures.
func (w *work) table(out io.Writer) {
	fmt.Fprintf(out, "\n### %s\n\n| | %s | x raw | x librtmp | allocations a message | p50 µs | KiB each | x one at a time |\n|---|---|---|---|---|---|---|---|\n", w.title, w.unit)
	blank := func(format string, s report.Spread) string {
		if s.High == 0 {
			return ""
		}
		return fmt.Sprintf(format, s.Median)
	}
	for _, c := range w.clients {
		if len(c.runs) == 0 {
			continue
		}
		memory := ""
		if w.memory {
			memory = blank("%.0f", c.spread(func(o outcome) float64 { return o.memory }))
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", c.name, c.spread(figure), w.ratios(c, w.floor()), w.ratios(c, "librtmp"),
			blank("%.2f", c.spread(func(o outcome) float64 { return o.mallocs })), blank("%.1f", c.spread(func(o outcome) float64 { return o.p50 })), memory,
			blank("%.1f", c.spread(func(o outcome) float64 { return o.gain })))
	}
}

// chart draws the same figures as bars.
func (w *work) chart(file string) error {
	var bars []report.Bar
	for _, c := range w.clients {
		if len(c.runs) > 0 {
			bars = append(bars, report.Bar{Name: c.name, Spread: c.spread(figure)})
		}
	}
	return report.Chart(file, w.title, w.unit, bars)
}
