// Command rtmpprobe finds out what is wrong with an RTMP URL.
//
//	rtmpprobe rtmp://example.com/live/camera
//	rtmpprobe --publish rtmps://live.example.com/app/STREAM_KEY
//	rtmpprobe --for 1m --plot rates.svg rtmp://a.example.com/live/camera rtmp://b.example.com/live/camera
//
// It connects stage by stage, watches the stream for a while, and explains what it has found and what to do about it. See --help for the
// options.
//
// The exit status is 0 without findings or with notes only, 1 with warnings, 2 with errors, and 3 if the command line is invalid.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/go-librtmp/rtmp/cmd/internal/version"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/findings"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/show"
	"github.com/go-librtmp/rtmp/internal/quote"
)

const (
	exitWell     = 0
	exitWarnings = 1
	exitErrors   = 2
	exitUsage    = 3
)

const maxError = 1000

func main() {
	log.SetOutput(io.Discard) // net/http logs what servers of tunnels send unasked
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, term.IsTerminal(int(os.Stdout.Fd()))))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer, terminal bool) int {
	f, err := parseFlags(args)
	var reports []*report.Report
	switch {
	case errors.Is(err, pflag.ErrHelp):
		_, err = io.WriteString(stdout, usage())
	case err != nil:
		fmt.Fprintf(stderr, "rtmpprobe: %s\n\nSee rtmpprobe --help.\n", quote.Text(err.Error(), maxError))
		return exitUsage
	case f.version:
		_, err = fmt.Fprintln(stdout, "rtmpprobe of go-librtmp", version.Version())
	default:
		reports, err = f.probe(ctx, stdout, terminal)
		if len(reports) > 0 { // write the reports even if another output has failed
			err = cmp.Or(err, f.write(stdout, stderr, reports, terminal))
		}
	}
	if err != nil {
		fmt.Fprintf(stderr, "rtmpprobe: %s\n", quote.Text(err.Error(), maxError))
		return exitUsage
	}
	return exitCode(reports)
}

// write writes the reports in the formats that the flags ask for. If there is no media to plot, and a report has an error, which is then
// the reason, write only prints a warning.
func (f *flags) write(stdout, stderr io.Writer, reports []*report.Report, terminal bool) error {
	if err := f.print(stdout, reports, terminal); err != nil || f.plot == "" {
		return err
	}
	err := show.Plot(f.plot, reports)
	switch {
	case errors.Is(err, show.ErrNoMedia) && exitCode(reports) == exitErrors:
		fmt.Fprintf(stderr, "rtmpprobe: plot: %s\n", err)
	case err != nil:
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

func (f *flags) print(stdout io.Writer, reports []*report.Report, terminal bool) error {
	columns := 0
	if terminal {
		columns, _ = screenSize()
	}
	if f.json {
		return show.JSON(stdout, reports)
	}
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(stdout)
		}
		if err := show.Text(stdout, r, columns); err != nil {
			return err
		}
	}
	if len(reports) > 1 {
		return show.Compare(stdout, reports)
	}
	return nil
}

// screenSize returns the size of the terminal, or 0 if it is unknown.
func screenSize() (columns, lines int) {
	columns, lines, _ = term.GetSize(int(os.Stdout.Fd()))
	return columns, lines
}

func exitCode(reports []*report.Report) int {
	code := exitWell
	for _, r := range reports {
		switch findings.Worst(r.Findings) {
		case report.Error:
			code = max(code, exitErrors)
		case report.Warning:
			code = max(code, exitWarnings)
		}
	}
	return code
}
