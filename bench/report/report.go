// Package report formats the results of this module's comparisons: medians with the lowest and highest figures, and bar charts.
package report

import (
	"cmp"
	"fmt"
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	_ "gonum.org/v1/plot/vg/vgsvg" // the format that Save writes
)

// Spread is the lowest, the median and the highest of some figures. The median of an even number of figures is the higher of the two in the
// middle.
type Spread struct{ Low, Median, High float64 }

// SpreadOf returns the Spread of at least one figure. It sorts the figures.
func SpreadOf(figures []float64) Spread {
	slices.Sort(figures)
	return Spread{figures[0], figures[len(figures)/2], figures[len(figures)-1]}
}

func (s Spread) String() string { return fmt.Sprintf("%.3g (%.3g to %.3g)", s.Median, s.Low, s.High) }

// Ratios returns the ratios of figures to others of the same rounds.
func Ratios(figures, others []float64) Spread {
	ratios := make([]float64, len(figures))
	for i := range figures {
		ratios[i] = figures[i] / others[i]
	}
	return SpreadOf(ratios)
}

// Bar is a bar of a chart.
type Bar struct {
	Name string // a name that begins with "ours" is highlighted
	Spread
}

// Chart draws bars into an SVG file, the smallest at the top. The labels are inside the bars, so that they fit even if a viewer's font is
// wider than the font that was measured.
func Chart(file, title, unit string, bars []Bar) error {
	slices.SortStableFunc(bars, func(a, b Bar) int { return cmp.Compare(b.Median, a.Median) })
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.X.Min = title, unit+", median with lowest and highest", 0
	p.HideY()
	var labels plotter.XYLabels
	for i, b := range bars {
		chart, err := plotter.NewBarChart(plotter.Values{b.Median}, vg.Points(14))
		if err != nil {
			return err
		}
		chart.Horizontal, chart.XMin, chart.LineStyle.Width = true, float64(i), 0
		chart.Color = color.RGBA{R: 205, G: 212, B: 222, A: 255}
		if strings.HasPrefix(b.Name, "ours") {
			chart.Color = color.RGBA{R: 150, G: 200, B: 245, A: 255}
		}
		line, err := plotter.NewLine(plotter.XYs{{X: b.Low, Y: float64(i)}, {X: b.High, Y: float64(i)}})
		if err != nil {
			return err
		}
		line.Color = color.Gray{Y: 128}
		p.Add(chart, line)
		labels.XYs = append(labels.XYs, plotter.XY{X: 0, Y: float64(i)})
		labels.Labels = append(labels.Labels, fmt.Sprintf("%s: %.3g", b.Name, b.Median))
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
