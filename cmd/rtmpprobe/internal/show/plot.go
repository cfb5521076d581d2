package show

import (
	"errors"
	"image/color"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	_ "gonum.org/v1/plot/vg/vgimg" // the formats that Save writes
	_ "gonum.org/v1/plot/vg/vgsvg"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

// ErrNoMedia is returned by Plot if media arrived for less than a second.
var ErrNoMedia = errors.New("not enough media to plot")

// Plottable reports whether Plot supports the format given by a file's extension.
func Plottable(file string) bool {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".svg", ".png":
		return true
	}
	return false
}

// Plot draws the bit rates of reports to a file, as SVG or PNG according to its extension.
func Plot(file string, reports []*report.Report) error {
	p := plot.New()
	p.Title.Text = "Bit rates"
	p.X.Label.Text, p.Y.Label.Text, p.Y.Min = "seconds", "kbit/s", 0
	p.Y.Tick.Marker = plot.TickerFunc(ticks)
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	drawn := 0
	for _, r := range reports {
		for _, track := range []struct {
			name string
			of   func(report.Rate) float64
		}{{"video", func(r report.Rate) float64 { return r.Video }}, {"audio", func(r report.Rate) float64 { return r.Audio }}} {
			points, any := series(r.Media.Rates, track.of)
			if !any {
				continue
			}
			line, err := plotter.NewLine(points)
			if err != nil {
				return err
			}
			line.Width, line.Color = vg.Points(1.5), palette[drawn%len(palette)]
			line.StepStyle = plotter.PostStep
			p.Add(line)
			name := track.name
			if len(reports) > 1 {
				name += " of " + r.URL
			}
			p.Legend.Add(name, line)
			drawn++
		}
	}
	p.Y.Max *= 1.2 // room for the legend
	if drawn == 0 {
		return ErrNoMedia
	}
	return p.Save(18*vg.Centimeter, 9*vg.Centimeter, file)
}

// ticks labels gonum's default ticks, whose values are inexact.
func ticks(low, high float64) []plot.Tick {
	marks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range marks {
		if marks[i].Label != "" {
			marks[i].Label = strconv.FormatFloat(math.Round(marks[i].Value*1e6)/1e6, 'f', -1, 64)
		}
	}
	return marks
}

var palette = []color.Color{
	color.RGBA{R: 20, G: 110, B: 200, A: 255}, color.RGBA{R: 210, G: 90, B: 20, A: 255}, color.RGBA{R: 30, G: 140, B: 70, A: 255},
	color.RGBA{R: 150, G: 40, B: 150, A: 255}, color.RGBA{R: 110, G: 110, B: 110, A: 255}, color.RGBA{R: 170, G: 140, B: 20, A: 255},
}

// series returns the points of a line. any reports whether one of them is not 0.
func series(rates []report.Rate, of func(report.Rate) float64) (points plotter.XYs, any bool) {
	for i, r := range rates {
		points = append(points, plotter.XY{X: float64(i), Y: of(r) / 1000})
		any = any || of(r) > 0
	}
	if n := len(points); n > 0 { // the last second is as wide as the others
		points = append(points, plotter.XY{X: float64(n), Y: points[n-1].Y})
	}
	return points, any && len(rates) > 1
}
