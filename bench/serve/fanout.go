package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

// settle is the time between the moment when the players join and the measurement, which must not include the burst that they receive
// at first.
var settle = 2 * time.Second

// watched is the number of players that examine what they receive.
const watched = 5

// fanOut measures one stream with many players.
type fanOut struct {
	server  server
	profile string
	players int
	viewer  func(p *process) string // URL of the players; nil means that of the publisher
}

// once returns the CPU seconds per Gbit delivered, the KiB of memory per player, the delay of pictures (ms, median and 99th percentile),
// and the time from joining to the first key frame (ms).
func (f fanOut) once(ctx context.Context, dir string) ([]float64, error) {
	p, err := f.server.publish(ctx, dir, media.Build(f.profile))
	if err != nil {
		return nil, err
	}
	defer p.stop()
	url := p.url
	looking, err := sampleMany(ctx, url, watched)
	if err != nil {
		return nil, err
	}
	defer looking.stop()
	if f.viewer != nil {
		url = f.viewer(p.process)
	}
	alone, err := p.memory()
	if err != nil {
		return nil, err
	}
	c, err := gather(ctx, url, f.players, openOptions{})
	if err != nil {
		return nil, err
	}
	defer c.leave()
	time.Sleep(settle)
	looking.take()
	u, err := use(p.process, c, *length)
	if err != nil {
		return nil, err
	}
	p50, p99 := looking.take()
	return []float64{u.cpu / u.gbit, (u.memory - alone) / float64(f.players), p50, p99, looking.joins(), u.cpu / u.seconds * 100, u.gbit / u.seconds}, nil
}

// usage describes what a process has used during a measurement.
type usage struct {
	cpu     float64 // seconds
	seconds float64
	gbit    float64 // Gbit delivered to a crowd
	memory  float64 // KiB at the end
}

// use measures a process while it delivers to a crowd.
func use(p *process, c *crowd, d time.Duration) (u usage, _ error) {
	cpu, err := p.cpu()
	if err != nil {
		return u, err
	}
	begin, received := time.Now(), c.received.Load()
	time.Sleep(d)
	u.seconds = time.Since(begin).Seconds()
	u.gbit = float64(c.received.Load()-received) * 8 / 1e9
	if u.cpu, err = p.cpu(); err != nil {
		return u, err
	}
	u.cpu -= cpu
	if u.memory, err = p.memory(); err != nil {
		return u, err
	}
	if lost := c.lost.Load(); lost != nil {
		return u, fmt.Errorf("a player was disconnected: %w", *lost)
	}
	return u, nil
}

var fanOutColumns = []string{"CPU s/Gbit", "KiB a player", "delay p50 ms", "p99 ms", "join to key frame ms", "CPU %", "Gbit/s"}

func fanOutTrial() *trial {
	t := &trial{title: "One stream and its players", file: "serve-fanout", quick: true, columns: fanOutColumns,
		about:   fmt.Sprintf("%d players of 2 Mbit/s for %v that discard what they receive, and %d that examine it.", *players, *length, watched),
		against: []string{"nginx-rtmp", "floor"}}
	for _, s := range []server{program("floor", "floor"), nginx("", ""), program("lal", "lal"), ours(""), ours("--merge 10ms", "--merge", "10ms"),
		ours("--merge 40ms", "--merge", "40ms"), ours("--merge 100ms", "--merge", "100ms"), ours("--merge 350ms", "--merge", "350ms")} {
		t.contestants = append(t.contestants, &contestant{name: s.name, quick: s.floor || s.name == "ours",
			run: fanOut{server: s, profile: "2mbit", players: *players}.once})
	}
	return t
}

// thousandsTrial measures how many players one processor can serve.
func thousandsTrial() *trial {
	const n = 2000
	t := &trial{title: "2,000 players and one processor", file: "serve-2000", rounds: 1, columns: fanOutColumns, against: []string{"nginx-rtmp"},
		about: fmt.Sprintf("%d players of 2 Mbit/s for %v, with the server bound to one processor. The players need 4.2 Gbit/s.", n, *length)}
	for _, s := range []server{oursOnOneCore("--merge 350ms", "--merge", "350ms"), oursOnOneCore("--merge 40ms", "--merge", "40ms"), oursOnOneCore("")} {
		t.contestants = append(t.contestants, &contestant{name: s.name, run: fanOut{server: s, profile: "2mbit", players: n}.once})
	}
	return t
}
