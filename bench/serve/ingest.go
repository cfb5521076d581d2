package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

// ingest measures many publishers without players: CPU seconds per Gbit, KiB of memory per publisher, and the greatest delay of a message.
type ingest struct {
	server     server
	publishers int
}

func (i ingest) once(ctx context.Context, dir string) (_ []float64, err error) {
	p, err := i.server.start(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	alone, err := p.memory()
	if err != nil {
		return nil, err
	}
	run := media.Build("4mbit")
	all := make([]*publisher, 0, i.publishers)
	defer func() {
		for _, pub := range all {
			pub.stop()
		}
	}()
	for k := range i.publishers {
		pub, err := publish(ctx, i.server.url(p, fmt.Sprint("x", k)), run)
		if err != nil {
			return nil, err
		}
		all = append(all, pub)
	}
	time.Sleep(settle)
	sent := func() (n int64) {
		for _, pub := range all {
			n += pub.sent.Load()
		}
		return n
	}
	before, bytes := time.Now(), sent()
	cpu, err := p.cpu()
	if err != nil {
		return nil, err
	}
	time.Sleep(*length)
	after, err := p.cpu()
	if err != nil {
		return nil, err
	}
	gbit, seconds := float64(sent()-bytes)*8/1e9, time.Since(before).Seconds()
	memory, err := p.memory()
	if err != nil {
		return nil, err
	}
	for _, pub := range all {
		select {
		case <-pub.done:
			return nil, fmt.Errorf("a publisher was disconnected: %w", pub.err)
		default:
		}
	}
	return []float64{(after - cpu) / gbit, (memory - alone) / float64(i.publishers), gbit / seconds}, nil
}

func ingestTrial() *trial {
	n := 200
	if *quick {
		n = 5
	}
	t := &trial{title: "Publishers", file: "serve-ingest", columns: []string{"CPU s/Gbit", "KiB a publisher", "Gbit/s"}, rounds: 2, quick: true,
		against: []string{"nginx-rtmp", "ours"},
		about:   fmt.Sprintf("%d publishers of 4 Mbit/s without players for %v, first without recording and then with it.", n, *length)}
	for _, s := range []server{nginx("", ""), program("lal", "lal"), ours(""), nginx("recording", "record all; record_path {dir};"),
		program("lal recording", "lal", "-record", "{dir}"), ours("recording", "-r", "{dir}", "-k")} {
		t.contestants = append(t.contestants, &contestant{name: s.name, quick: s.name == "ours recording", run: ingest{s, n}.once})
	}
	return t
}
