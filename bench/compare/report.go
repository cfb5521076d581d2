package main

import (
	"cmp"
	"fmt"
	"image/color"
	"io"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	_ "gonum.org/v1/plot/vg/vgsvg" // the format that Save writes
)

// spread is the lowest, the median and the highest of some figures.
type spread struct{ low, median, high float64 }

func spreadOf(figures []float64) spread {
	slices.Sort(figures)
	return spread{figures[0], figures[len(figures)/2], figures[len(figures)-1]}
}

func (s spread) String() string { return fmt.Sprintf("%.3g (%.3g to %.3g)", s.median, s.low, s.high) }

func (c *client) spread(of func(outcome) float64) spread {
	var figures []float64
	for _, o := range c.runs {
		figures = append(figures, of(o))
	}
	return spreadOf(figures)
}

func figure(o outcome) float64 { return o.figure }

// against compares with another client's runs of the same rounds; "": one of them has not run as often.
func (w *work) against(c *client, name string) string {
	i := slices.IndexFunc(w.clients, func(other *client) bool { return other.name == name })
	if i < 0 || len(c.runs) != len(w.clients[i].runs) || c.name == name {
		return ""
	}
	var ratios []float64
	for k, o := range w.clients[i].runs {
		ratios = append(ratios, c.runs[k].figure/o.figure)
	}
	s := spreadOf(ratios)
	return fmt.Sprintf("%.2f (%.2f to %.2f)", s.median, s.low, s.high)
}

// table writes the medians, with the lowest and the highest.
func (w *work) table(out io.Writer) {
	fmt.Fprintf(out, "\n### %s\n\n| | %s | x raw | x librtmp | allocations a message | p50 µs | KiB each |\n|---|---|---|---|---|---|---|\n", w.title, w.unit)
	blank := func(format string, s spread) string {
		if s.high == 0 {
			return ""
		}
		return fmt.Sprintf(format, s.median)
	}
	for _, c := range w.clients {
		if len(c.runs) == 0 {
			continue
		}
		memory := ""
		if w.file == "many" {
			memory = blank("%.0f", c.spread(func(o outcome) float64 { return o.memory }))
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %s |\n", c.name, c.spread(figure), w.against(c, floor), w.against(c, "librtmp"),
			blank("%.2f", c.spread(func(o outcome) float64 { return o.mallocs })), blank("%.1f", c.spread(func(o outcome) float64 { return o.p50 })), memory)
	}
}

// chart draws the table as bars, the cheapest at the top. The labels stand inside the bars, where a font wider than
// the measured one does no harm.
func (w *work) chart(file string) error {
	type bar struct {
		name string
		spread
	}
	var bars []bar
	for _, c := range w.clients {
		if len(c.runs) > 0 {
			bars = append(bars, bar{c.name, c.spread(figure)})
		}
	}
	slices.SortFunc(bars, func(a, b bar) int { return cmp.Compare(b.median, a.median) })
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.X.Min = w.title, w.unit+", median with lowest and highest", 0
	p.HideY()
	var labels plotter.XYLabels
	for i, b := range bars {
		chart, err := plotter.NewBarChart(plotter.Values{b.median}, vg.Points(14))
		if err != nil {
			return err
		}
		chart.Horizontal, chart.XMin, chart.LineStyle.Width = true, float64(i), 0
		chart.Color = color.RGBA{R: 205, G: 212, B: 222, A: 255}
		if strings.HasPrefix(b.name, "ours") {
			chart.Color = color.RGBA{R: 150, G: 200, B: 245, A: 255}
		}
		line, err := plotter.NewLine(plotter.XYs{{X: b.low, Y: float64(i)}, {X: b.high, Y: float64(i)}})
		if err != nil {
			return err
		}
		line.Color = color.Gray{Y: 128}
		p.Add(chart, line)
		labels.XYs = append(labels.XYs, plotter.XY{X: 0, Y: float64(i)})
		labels.Labels = append(labels.Labels, fmt.Sprintf("%s: %.3g", b.name, b.median))
	}
	names, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	for i := range names.TextStyle {
		names.TextStyle[i].YAlign = text.YCenter
	}
	names.Offset = vg.Point{X: vg.Points(4)}
	p.Add(names)
	return p.Save(18*vg.Centimeter, vg.Length(2+0.65*float64(len(bars)))*vg.Centimeter, file)
}
