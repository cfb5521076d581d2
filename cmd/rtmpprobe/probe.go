package main

import (
	"context"
	"crypto/tls"
	"io"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/advice"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/findings"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/live"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/show"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/stages"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/watch"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

// refresh is how often the screen of --watch is drawn.
const refresh = 500 * time.Millisecond

// probe makes a report about each source, all at the same time.
func (f *flags) probe(ctx context.Context, screen io.Writer, terminal bool) ([]*report.Report, error) {
	probes := make([]*probe, len(f.sources))
	var running sync.WaitGroup
	for i, source := range f.sources {
		probes[i] = f.newProbe(source)
		running.Go(func() { probes[i].run(ctx) })
	}
	if f.watch && terminal {
		done := make(chan struct{})
		go func() {
			defer close(done)
			running.Wait()
		}()
		watchScreen(screen, probes, done)
	}
	running.Wait()
	reports := make([]*report.Report, len(probes))
	for i, p := range probes {
		reports[i] = &p.report
	}
	return reports, nil
}

// watchScreen draws the reports as they are until done is closed.
func watchScreen(screen io.Writer, probes []*probe, done <-chan struct{}) {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	s := show.NewScreen(screen)
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

// probe makes one report.
type probe struct {
	options live.Options
	try     string
	mask    func(string) string

	mu     sync.Mutex // guards the rest while the session lasts
	began  time.Time
	last   time.Duration // of the newest event
	over   bool
	report report.Report
	sinks  event.Sinks
	watch  *watch.Watcher
}

func (f *flags) newProbe(source string) *probe {
	p := &probe{try: f.try, began: time.Now(), options: live.Options{URL: source, Publish: f.publish, For: f.watchFor}}
	p.options.RTMP = rtmp.Options{Timeout: f.timeout, Live: f.live, Proxy: f.proxy, NoEnhanced: f.noEnhanced, Publish: f.publish}
	if f.insecure {
		p.options.RTMP.TLSConfig = &tls.Config{InsecureSkipVerify: true}
	}
	p.report.URL, p.report.Source = rtmpurl.Redact(source), "play"
	if f.publish {
		p.report.Source = "publish"
	}
	p.mask = masker(source)
	p.explain()
	return p
}

// explain makes what turns events into the report.
func (p *probe) explain() {
	p.watch = &watch.Watcher{}
	p.sinks = event.Sinks{stages.New(&p.report, p.mask), p.watch}
}

// Add implements event.Sink.
func (p *probe) Add(e *event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = e.At
	p.sinks.Add(e)
}

// snapshot is the report so far. What it points to is not changed any more.
func (p *probe) snapshot() *report.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.report
	if !p.over {
		p.watch.Report(&r.Media, time.Since(p.began))
		r.Findings = findings.Judge(&r)
	}
	return &r
}

func (p *probe) run(ctx context.Context) {
	result := live.Run(ctx, p.options, p)
	p.mu.Lock()
	p.over = true
	p.watch.Report(&p.report.Media, p.last)
	p.count(&result)
	p.report.Findings = findings.Judge(&p.report)
	failed := findings.Worst(p.report.Findings) == report.Error
	p.mu.Unlock()
	working, ok := p.options, !failed
	if p.try == "always" || p.try == "failed" && failed && ctx.Err() == nil {
		trials, found := advice.Try(ctx, p.options, &p.report, p.mask)
		p.mu.Lock()
		p.report.Trials = trials
		p.mu.Unlock()
		if len(trials) > 0 && trials[len(trials)-1].Worked {
			working, ok = found, true
		}
	}
	if ok {
		p.mu.Lock()
		p.report.Commands = advice.Commands(working)
		p.mu.Unlock()
	}
}

// count fills in what the library has counted.
func (p *probe) count(result *live.Result) {
	w, s := &p.report.Wire, result.Stats
	w.Read, w.Written = s.BytesRead, s.BytesWritten
	if d := result.Watched.Seconds(); d > 0 {
		w.ReadRate, w.WrittenRate = 8*float64(result.BytesRead)/d, 8*float64(result.BytesWrote)/d
	}
	w.Unreadable = max(w.Unreadable, int(s.BadData))
	w.Tolerated = tolerated(s.Tolerated)
}

// tolerated names what was wrong with chunks.
func tolerated(t chunk.Tolerated) map[string]uint64 {
	wrong := make(map[string]uint64)
	for _, kind := range []struct {
		what string
		n    uint64
	}{
		{"extended timestamps left out", t.MissingExtended}, {"absolute timestamps in place of deltas", t.AbsoluteExtended},
		{"messages broken off by others", t.ImplicitAborts},
	} {
		if kind.n > 0 {
			wrong[kind.what] = kind.n
		}
	}
	return wrong
}
