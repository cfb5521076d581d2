package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/bench/media"
	"github.com/go-librtmp/rtmp/message"
)

const (
	stallPart     = 10 // one in this many players stops reading
	stallTime     = 40 * time.Second
	stallReceive  = 64 << 10 // receive buffer of their sockets, small so that the server has to buffer, not the kernel
	catchUp       = 5 * time.Second
	pictureLength = 40 // ms
)

// stalling is a player that checks each picture, and stops reading for a while.
type stalling struct {
	*player
	run    *media.Run
	mu     *sync.RWMutex // while it is locked for writing, the player reads nothing
	last   uint32        // timestamp of the previous picture, in ms
	seen   int
	skips  atomic.Int64 // number of gaps
	broken atomic.Int64 // gaps that no key frame follows, and pictures that differ from what was sent
}

// play reads until the connection ends.
func (s *stalling) play() {
	var m message.Packet
	for {
		s.mu.RLock()
		err := s.stream.ReadPacket(&m)
		s.mu.RUnlock()
		if err != nil {
			return
		}
		if m.Type == message.TypeVideo && len(m.Body) > stampEnd && m.Body[1] == 1 {
			s.check(&m)
		}
	}
}

func (s *stalling) check(m *message.Packet) {
	if s.seen++; s.seen > 1 && m.Timestamp-s.last != pictureLength {
		s.skips.Add(1)
		if !isKey(m.Body) {
			s.broken.Add(1)
		}
	}
	s.last = m.Timestamp
	sent := s.run.Picture(m.Timestamp % s.run.DurMs)
	if sent == nil || len(sent) != len(m.Body) || !bytes.Equal(sent[stampEnd:], m.Body[stampEnd:]) {
		s.broken.Add(1)
	}
}

// stall measures how players that stop reading affect the other players. It computes the 99th percentile of the other players' delay before
// and during the stall. It returns the second divided by the first; the first and the second, in ms; the additional memory in MiB; the
// number of gaps per stalled player; and the number of broken gaps and pictures.
func stall(s server) func(ctx context.Context, dir string) ([]float64, error) {
	return func(ctx context.Context, dir string) ([]float64, error) {
		run := media.Build("2mbit")
		p, err := s.publish(ctx, dir, run)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		looking, err := sampleMany(ctx, p.url, watched)
		if err != nil {
			return nil, err
		}
		defer looking.stop()
		c, err := gather(ctx, p.url, *players-*players/stallPart, openOptions{})
		if err != nil {
			return nil, err
		}
		defer c.leave()
		group, err := stallingPlayers(ctx, p.url, run, *players/stallPart)
		if err != nil {
			return nil, err
		}
		defer group.leave()
		time.Sleep(settle)
		looking.take()
		time.Sleep(*length)
		_, before := looking.take()
		memory, err := p.memory()
		if err != nil {
			return nil, err
		}
		group.mu.Lock()
		time.Sleep(stallTime)
		_, during := looking.take()
		more, err := p.memory()
		group.mu.Unlock()
		if err != nil {
			return nil, err
		}
		time.Sleep(catchUp)
		skips, broken := group.found()
		if lost := c.lost.Load(); lost != nil {
			return nil, fmt.Errorf("another player was disconnected: %w", *lost)
		}
		return []float64{during / before, before, during, (more - memory) / 1024, skips / float64(len(group.all)), broken}, nil
	}
}

// stallingGroup is a group of players that stop together.
type stallingGroup struct {
	mu  sync.RWMutex
	all []*stalling
	wg  sync.WaitGroup
}

func stallingPlayers(ctx context.Context, url string, run *media.Run, n int) (*stallingGroup, error) {
	g := new(stallingGroup)
	for range n {
		p, err := open(ctx, url, openOptions{receive: stallReceive})
		if err != nil {
			g.leave()
			return nil, err
		}
		s := &stalling{player: p, run: run, mu: &g.mu}
		g.all = append(g.all, s)
		g.wg.Go(s.play)
	}
	return g, nil
}

func (g *stallingGroup) found() (skips, broken float64) {
	for _, s := range g.all {
		skips += float64(s.skips.Load())
		broken += float64(s.broken.Load())
	}
	return skips, broken
}

func (g *stallingGroup) leave() {
	for _, s := range g.all {
		s.close()
	}
	g.wg.Wait()
}

func stallTrial() *trial {
	t := &trial{title: "Players that stop reading", file: "serve-stall", rounds: 1,
		columns: []string{"p99 of the others x before", "p99 before ms", "p99 during ms", "MiB more", "gaps of a stalled player", "broken"},
		about: fmt.Sprintf("One in %d of %d players of 2 Mbit/s stops reading for %v and then continues. A gap must end with a key frame, and "+
			"pictures must be those that were sent; otherwise they are counted as broken.", stallPart, *players, stallTime)}
	for _, s := range []server{nginx("", ""), ours("")} {
		t.contestants = append(t.contestants, &contestant{name: s.name, run: stall(s)})
	}
	return t
}
