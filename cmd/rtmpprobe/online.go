package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"os"
	"sync"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/advice"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/findings"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/online"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	rtmpurl "github.com/go-librtmp/rtmp/url"
)

func (f *flags) online(source string, stdout io.Writer, closing *closers) ([]*probe, error) {
	o := online.Options{URL: source, Publish: f.publish, For: f.watchFor}
	o.RTMP = rtmp.Options{Timeout: f.timeout, Live: f.live, Proxy: f.proxy, NoEnhanced: f.noEnhanced, Publish: f.publish}
	if f.insecure {
		o.RTMP.TLSConfig = &tls.Config{InsecureSkipVerify: true}
	}
	if f.capture != "" {
		file, err := os.OpenFile(f.capture, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		c := &captureFile{file: file}
		closing.add(c.close)
		o.RTMP.Capture = c
	}
	mask := masker(source)
	sinks, err := f.outputs(stdout, mask, closing)
	if err != nil {
		return nil, err
	}
	p := newProbe(rtmpurl.Redact(source), mask, sinks, func(ctx context.Context, p *probe) error {
		result := online.Run(ctx, o, p)
		p.finish(func(r *report.Report) { count(&r.Wire, &result) })
		o.RTMP.Capture = nil
		f.advise(ctx, p, o)
		return nil
	})
	p.report.Publish = f.publish
	return []*probe{p}, nil
}

// captureFile is the file of --capture. It keeps the error after which package rtmp stops recording.
type captureFile struct {
	file *os.File
	mu   sync.Mutex
	err  error
}

func (c *captureFile) Write(b []byte) (int, error) {
	n, err := c.file.Write(b)
	if err != nil {
		c.mu.Lock()
		c.err = cmp.Or(c.err, err)
		c.mu.Unlock()
	}
	return n, err
}

func (c *captureFile) close() error {
	err := c.file.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	return cmp.Or(c.err, err)
}

func count(w *report.Wire, result *online.Result) {
	s := result.Stats
	w.Read, w.Written = s.BytesRead, s.BytesWritten
	if d := result.Watched.Seconds(); d > 0 {
		w.ReadRate, w.WrittenRate = 8*float64(result.BytesRead)/d, 8*float64(result.BytesWrote)/d
	}
	w.Unreadable = max(w.Unreadable, int(s.BadData))
	w.Tolerated = event.Tolerated(s.Tolerated)
}

// advise tries other settings if --try asks for it, and adds command lines of other programs for the settings that work.
func (f *flags) advise(ctx context.Context, p *probe, o online.Options) {
	failed := findings.Worst(p.report.Findings) == report.Error
	always := f.try == "always"
	var trials []report.Trial
	var found online.Options
	ok := false
	if always || f.try == "failed" && failed {
		trials, found, ok = advice.Try(ctx, o, &p.report, always, p.mask)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report.Trials = trials
	switch {
	case !failed:
		p.report.Commands = advice.Commands(o)
	case ok:
		p.report.Commands = advice.Commands(found)
	}
}
