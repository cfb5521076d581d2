package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/findings"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/show"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/stages"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/watch"
)

const refresh = 500 * time.Millisecond

const maxConcurrent = 8

// probe makes a report for each session. Live sessions run at the same time.
func (f *flags) probe(ctx context.Context, stdout io.Writer, terminal bool) (_ []*report.Report, err error) {
	probes, closeAll, err := f.probes(stdout)
	defer func() {
		if failed := closeAll(); err == nil {
			err = failed
		}
	}()
	if err != nil {
		return nil, err
	}
	numberDuplicates(probes)
	errs := make([]error, len(probes))
	var running sync.WaitGroup
	turns := make(chan struct{}, max(len(f.sources), maxConcurrent))
	for i, p := range probes {
		running.Go(func() {
			turns <- struct{}{}
			errs[i] = p.run(ctx, p)
			<-turns
		})
	}
	if f.watch && terminal {
		done := make(chan struct{})
		go func() {
			defer close(done)
			running.Wait()
		}()
		watchScreen(stdout, probes, done)
	}
	running.Wait()
	reports := make([]*report.Report, len(probes))
	for i, p := range probes {
		reports[i] = &p.report
	}
	return reports, errors.Join(errs...)
}

// numberDuplicates adds a number to each probe whose name equals another's. Names do not contain the stream, so they can be equal.
func numberDuplicates(probes []*probe) {
	count := make(map[string]int)
	for _, p := range probes {
		count[p.report.URL]++
	}
	for i, p := range probes {
		if count[p.report.URL] > 1 {
			p.report.URL += fmt.Sprintf(" [%d]", i+1)
		}
	}
}

func watchScreen(screen io.Writer, probes []*probe, done <-chan struct{}) {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	s := show.NewScreen(screen, screenSize)
	defer s.Close()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		reports := make([]*report.Report, len(probes))
		for i, p := range probes {
			reports[i] = p.snapshot()
		}
		s.Draw(reports)
	}
}

type probe struct {
	run  func(context.Context, *probe) error // runs or reads the session
	mask func(string) string

	mu     sync.Mutex // guards the fields below during the session
	began  time.Time
	last   time.Duration // time of the newest event
	over   bool
	report report.Report
	sinks  event.Sinks
	watch  *watch.Watcher
}

// newProbe returns a probe that calls run. name is the name in the report; sinks also receive the events.
func newProbe(name string, mask func(string) string, sinks event.Sinks, run func(context.Context, *probe) error) *probe {
	p := &probe{run: run, mask: mask, began: time.Now(), watch: &watch.Watcher{}}
	p.report.URL = name
	p.sinks = append(event.Sinks{stages.New(&p.report, mask), p.watch}, sinks...)
	return p
}

// Add implements event.Sink.
func (p *probe) Add(e *event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = e.At
	p.sinks.Add(e)
}

// snapshot returns a copy of the report so far. Elements of its slices no longer change.
func (p *probe) snapshot() *report.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.report
	if !p.over {
		r.Since = report.Duration(time.Since(p.began))
		p.watch.Report(&r.Media, r.Since.Std())
		r.Findings = findings.Judge(&r)
	}
	return &r
}

// finish completes the report after the session. fill sets the parts that do not come from events.
func (p *probe) finish(fill func(r *report.Report)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.watch.Report(&p.report.Media, p.last)
	fill(&p.report)
	p.report.Findings = findings.Judge(&p.report)
}
