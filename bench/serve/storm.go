package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

// storm is the number of players that begin per second.
const storm = 1000

// connectStorm starts players at an even pace for some seconds. It returns the CPU milliseconds per player, and the median and 99th
// percentile of the time until Play.Start, in ms.
func connectStorm(s server) func(ctx context.Context, dir string) ([]float64, error) {
	return func(ctx context.Context, dir string) ([]float64, error) {
		p, err := s.publish(ctx, dir, media.Build("200kbit"))
		if err != nil {
			return nil, err
		}
		defer p.stop()
		n := int(min(*length, 3*time.Second).Seconds() * storm)
		cpu, err := p.cpu()
		if err != nil {
			return nil, err
		}
		took, errs, opened := make([]time.Duration, n), make([]error, n), make([]*player, n)
		var wg sync.WaitGroup
		begin := time.Now()
		for i := range n {
			due := begin.Add(time.Duration(i) * time.Second / storm)
			time.Sleep(time.Until(due))
			wg.Go(func() {
				opened[i], errs[i] = open(ctx, p.url, openOptions{})
				took[i] = time.Since(due)
			})
		}
		wg.Wait()
		after, err := p.cpu()
		if err != nil {
			return nil, err
		}
		var failed error
		for i, one := range opened {
			if errs[i] != nil {
				failed = fmt.Errorf("player %d of %d: %w", i, n, errs[i])
				continue
			}
			one.close()
		}
		return []float64{(after - cpu) * 1000 / float64(n), percentile(took, 50), percentile(took, 99)}, failed
	}
}

func stormTrial() *trial {
	t := &trial{title: "A storm of players", file: "serve-storm", columns: []string{"CPU ms per player", "to Play.Start p50 ms", "p99 ms"}, rounds: 2,
		quick: true, against: []string{"nginx-rtmp"},
		about: fmt.Sprintf("%d players per second for %v. Times are measured from the moment at which each player was due to start. The players run on the same machine, which adds to the delay.", storm, min(*length, 3*time.Second))}
	for _, s := range []server{nginx("", ""), program("lal", "lal"), ours("")} {
		t.contestants = append(t.contestants, &contestant{name: s.name, quick: s.name == "ours", run: connectStorm(s)})
	}
	return t
}

// silent is the number of connections that send nothing.
const silent = 10000

// silenceTimeout is twice the time for which our server keeps a connection that sends nothing.
const silenceTimeout = 20 * time.Second

// silence measures connections that never begin the handshake. It returns the KiB per connection, and the number of seconds until the last
// one is closed.
func silence(s server) func(ctx context.Context, dir string) ([]float64, error) {
	return func(ctx context.Context, dir string) ([]float64, error) {
		p, err := s.start(ctx, dir)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		alone, err := p.memory()
		if err != nil {
			return nil, err
		}
		var wg sync.WaitGroup
		for range silent {
			nc, err := net.Dial("tcp", p.addr)
			if err != nil {
				return nil, err
			}
			defer nc.Close()
			nc.SetDeadline(time.Now().Add(silenceTimeout))
			wg.Go(func() { nc.Read(make([]byte, 1)) })
		}
		last := time.Now()
		memory, err := p.memory()
		if err != nil {
			return nil, err
		}
		wg.Wait()
		return []float64{(memory - alone) / silent, time.Since(last).Seconds()}, nil
	}
}

func silenceTrial() *trial {
	t := &trial{title: "Connections that send nothing", file: "serve-silence", columns: []string{"KiB each", "s until the last is closed"}, rounds: 1,
		about: fmt.Sprintf("%d connections that never begin the handshake. The measurement ends after %v even if some are still open.", silent, silenceTimeout)}
	for _, s := range []server{nginx("", ""), ours("")} {
		t.contestants = append(t.contestants, &contestant{name: s.name, run: silence(s)})
	}
	return t
}
