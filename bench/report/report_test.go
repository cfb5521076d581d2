package report_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/bench/report"
)

func TestSpread(t *testing.T) {
	assert.Equal(t, report.Spread{Low: 1, Median: 2, High: 9}, report.SpreadOf([]float64{9, 1, 2}))
	assert.Equal(t, report.Spread{Low: 0.5, Median: 2, High: 3}, report.Ratios([]float64{1, 6, 9}, []float64{2, 3, 3}))
	assert.Equal(t, "2 (1 to 9.12)", report.Spread{Low: 1, Median: 2, High: 9.123}.String())
}

func TestChart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "chart.svg")
	require.NoError(t, report.Chart(file, "A title", "seconds", []report.Bar{
		{Name: "dear", Spread: report.Spread{Low: 3, Median: 4, High: 5}}, {Name: "ours", Spread: report.Spread{Low: 1, Median: 1, High: 2}}}))
	svg, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, part := range []string{"<svg", "A title", "seconds, median", "dear: 4", "ours: 1"} {
		assert.Contains(t, string(svg), part)
	}
}
