package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/message"
)

// sampler is a player that measures the delay of pictures between the publisher and itself.
type sampler struct {
	player *player
	next   func(*message.Packet) error
	join   time.Duration // time from connecting to the first key frame
	ended  chan struct{}

	mu     sync.Mutex
	delays []time.Duration
}

// sample starts a sampler.
func sample(ctx context.Context, url string) (*sampler, error) {
	begin := time.Now()
	p, err := open(ctx, url, openOptions{})
	if err != nil {
		return nil, err
	}
	s := &sampler{player: p, ended: make(chan struct{}), next: readFloor(p)}
	if p.stream != nil {
		s.next = p.stream.ReadPacket
	}
	first := make(chan struct{})
	go func() {
		defer close(s.ended)
		for joined := false; ; {
			var m message.Packet
			if s.next(&m) != nil {
				return
			}
			if m.Type != message.TypeVideo || len(m.Body) < stampEnd || m.Body[1] != 1 {
				continue
			}
			delay := time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(m.Body[stampOffset:]))))
			if !joined && isKey(m.Body) {
				joined, s.join = true, time.Since(begin)
				close(first)
			}
			s.mu.Lock()
			s.delays = append(s.delays, delay)
			s.mu.Unlock()
		}
	}()
	select {
	case <-first:
	case <-s.ended:
		return nil, io.ErrUnexpectedEOF
	case <-ctx.Done():
		s.stop()
		return nil, ctx.Err()
	}
	return s, nil
}

// isKey reports whether the body of a video message of the bench's media is a key frame.
func isKey(body []byte) bool { return body[0]>>4 == 1 }

func readFloor(p *player) func(*message.Packet) error {
	r := bufio.NewReaderSize(p.nc, 64<<10)
	return func(m *message.Packet) error {
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return err
		}
		m.Body = make([]byte, binary.BigEndian.Uint32(length[:]))
		_, err := io.ReadFull(r, m.Body)
		if len(m.Body) > 0 && m.Body[0]&0xf == 7 {
			m.Type = message.TypeVideo
		}
		return err
	}
}

// take returns the delays since the previous call.
func (s *sampler) take() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.delays
	s.delays = nil
	return d
}

func (s *sampler) stop() {
	s.player.close()
	<-s.ended
}

// samplers is a group of samplers.
type samplers []*sampler

func sampleMany(ctx context.Context, url string, n int) (samplers, error) {
	all, errs := make(samplers, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i], errs[i] = sample(ctx, url) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		all.stop()
		return nil, err
	}
	return all, nil
}

// take returns percentiles of the delays since the previous call, in milliseconds.
func (all samplers) take() (p50, p99 float64) {
	var delays []time.Duration
	for _, s := range all {
		delays = append(delays, s.take()...)
	}
	return percentile(delays, 50), percentile(delays, 99)
}

// joins returns the median time to the first key frame, in milliseconds.
func (all samplers) joins() float64 {
	var joins []time.Duration
	for _, s := range all {
		joins = append(joins, s.join)
	}
	return percentile(joins, 50)
}

func (all samplers) stop() {
	for _, s := range all {
		if s != nil {
			s.stop()
		}
	}
}

// percentile returns a percentile in milliseconds, or 0 if there are no delays.
func percentile(d []time.Duration, p int) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(len(d)-1, len(d)*p/100)].Seconds() * 1000
}
