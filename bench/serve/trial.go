package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-librtmp/rtmp/bench/report"
)

// trial is a workload that servers perform in turn, in rounds.
type trial struct {
	title, file string
	about       string   // description of the workload
	load        string   // load of the machine at the beginning and the end
	columns     []string // names of the figures; the chart shows the first
	against     []string // contestants with which the first column is compared
	rounds      int      // maximum number of rounds; 0 means -rounds
	quick       bool     // also done with -quick
	contestants []*contestant
}

// contestant is a server with one task. runs contains its figures, round by round.
type contestant struct {
	name  string
	quick bool
	run   func(ctx context.Context, dir string) ([]float64, error)
	runs  [][]float64
}

// measure runs the contestants in turn.
func (t *trial) measure(ctx context.Context) error {
	began := load()
	defer func() {
		t.load = fmt.Sprintf("The load of the machine was %s at the beginning and %s at the end.", began, load())
	}()
	rounds := *roundsFlag
	if t.rounds > 0 {
		rounds = min(rounds, t.rounds)
	}
	for range rounds {
		for _, c := range t.contestants {
			if *quick && !c.quick || *who != "" && c.name != *who {
				continue
			}
			if err := c.once(ctx); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			log.Printf("  %s: %.3g", c.name, c.runs[len(c.runs)-1])
		}
	}
	return nil
}

func (c *contestant) once(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "serve")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	figures, err := c.run(ctx, dir)
	if err != nil {
		return err
	}
	c.runs = append(c.runs, figures)
	return nil
}

func (c *contestant) column(i int) []float64 {
	var all []float64
	for _, run := range c.runs {
		all = append(all, run[i])
	}
	return all
}

// table writes the median, the lowest and the highest figures.
func (t *trial) table(out io.Writer) {
	fmt.Fprintf(out, "### %s\n\n%s %s\n\n|", t.title, t.about, t.load)
	for _, name := range t.against {
		fmt.Fprintf(out, " | x %s", name)
	}
	for _, name := range t.columns {
		fmt.Fprintf(out, " | %s", name)
	}
	fmt.Fprint(out, " |\n|---")
	for range len(t.against) + len(t.columns) {
		fmt.Fprint(out, "|---")
	}
	fmt.Fprintln(out, "|")
	for _, c := range t.contestants {
		if len(c.runs) == 0 {
			continue
		}
		fmt.Fprintf(out, "| %s", c.name)
		for _, name := range t.against {
			fmt.Fprintf(out, " | %s", t.ratio(c, name))
		}
		for i := range t.columns {
			fmt.Fprintf(out, " | %s", report.SpreadOf(c.column(i)))
		}
		fmt.Fprintln(out, " |")
	}
}

// ratio compares the contestant with another one. It returns "" if the other is the contestant itself or has not run.
func (t *trial) ratio(c *contestant, name string) string {
	i := slices.IndexFunc(t.contestants, func(other *contestant) bool { return other.name == name })
	if i < 0 || t.contestants[i] == c || len(t.contestants[i].runs) != len(c.runs) {
		return ""
	}
	return report.Ratios(c.column(0), t.contestants[i].column(0)).String()
}

func (t *trial) chart(folder string) error {
	var bars []report.Bar
	for _, c := range t.contestants {
		if len(c.runs) > 0 {
			bars = append(bars, report.Bar{Name: c.name, Spread: report.SpreadOf(c.column(0))})
		}
	}
	return report.Chart(filepath.Join(folder, t.file+".svg"), t.title, t.columns[0], bars)
}
