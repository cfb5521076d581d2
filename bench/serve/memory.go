package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
)

// crowds are the numbers of players at which memory is measured.
var crowds = []int{100, 500, 2000}

// memoryOf measures the memory of a server while more and more players join. It returns the KiB per player for each number of players
// in crowds.
func memoryOf(s server) func(ctx context.Context, dir string) ([]float64, error) {
	return func(ctx context.Context, dir string) ([]float64, error) {
		run := media.Build("200kbit")
		run.Msgs = slices.DeleteFunc(run.Msgs, func(m media.Msg) bool { return !m.Key }) // key frames only, to keep the load of 2,000 players low
		p, err := s.publish(ctx, dir, run)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		time.Sleep(*length) // now the server holds all that it stores of the stream
		alone, err := p.memory()
		if err != nil {
			return nil, err
		}
		c, err := gather(ctx, p.url, 0, openOptions{})
		if err != nil {
			return nil, err
		}
		defer c.leave()
		figures := make([]float64, len(crowds))
		for i, n := range crowds {
			if err := c.grow(ctx, p.url, n); err != nil {
				return nil, err
			}
			time.Sleep(settle)
			u, err := use(p.process, c, time.Second)
			if err != nil {
				return nil, err
			}
			figures[len(crowds)-1-i] = (u.memory - alone) / float64(n)
		}
		return figures, nil
	}
}

func memoryTrial() *trial {
	t := &trial{title: "Memory of a player", file: "serve-memory", rounds: 1,
		about: "Resident memory in addition to that of the server with its publisher alone, divided by the number of players of one stream that consists of a key frame every two seconds. All crowds are measured in one run."}
	for _, n := range crowds {
		t.columns = append([]string{fmt.Sprintf("KiB a player, %d players", n)}, t.columns...)
	}
	for _, s := range []server{nginx("", ""), program("lal", "lal"), ours("")} {
		t.contestants = append(t.contestants, &contestant{name: s.name, run: memoryOf(s)})
	}
	return t
}
