package rtmp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func repetitions(usually int) int {
	if long() {
		return 100 * usually
	}
	return usually
}

func rightlyTyped(err error) bool {
	return isDocumented(err) || errors.Is(err, ErrStreamBacklog) || errors.Is(err, net.ErrClosed)
}

func randomSeed(t *testing.T) uint64 {
	seed := uint64(1)
	if long() {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	return seed
}

// mutatedSession runs a program with a server that replays a damaged tape, and returns the program's errors.
func mutatedSession(t *testing.T, p program, tape []segment, r *rand.Rand, o *Options,
	damage func(r *rand.Rand, tape []segment) []segment) (errs []error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return []error{err}
	}
	var served sync.WaitGroup
	defer served.Wait()
	defer l.Close()
	served.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			damaged, reset := damage(r, tape), r.IntN(2) == 0
			served.Go(func() { serveTape(nc, damaged, reset) })
		}
	})
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	c, errs := p.run(ctx, "rtmp://"+l.Addr().String()+"/app/sample?SEKRETq", o)
	cancel()
	if c != nil {
		closing := time.Now()
		if err := c.Close(); err != nil {
			errs = append(errs, err)
		}
		assert.Less(t, time.Since(closing), 10*time.Second, "Close")
	}
	assert.Less(t, time.Since(began), 15*time.Second, "%v", errs)
	return errs
}

// TestMutatedSessions checks that a damaged session ends in time without leaks. Its errors must have documented types and contain no
// secrets.
func TestMutatedSessions(t *testing.T) {
	n, seed := repetitions(25), randomSeed(t)
	for k, p := range programs() {
		t.Run(p.name, func(t *testing.T) {
			tape := p.record(t)
			var whole atomic.Int64
			var mu sync.Mutex
			untyped := map[string]int{}
			logs := newStrict("SEKRET")
			work := make(chan int)
			var working sync.WaitGroup
			for range 24 {
				working.Go(func() {
					for i := range work {
						damage := mutateMessages
						if i%2 == 0 {
							damage = mutate
						}
						errs := mutatedSession(t, p, tape, rand.New(rand.NewPCG(seed, uint64(k*1_000_000+i))), &Options{
							Timeout: 40 * time.Millisecond, NoEnhanced: i%8 != 0, MediaTimeout: 100 * time.Millisecond, Logger: slog.New(logs),
							Auth: "SEKRETa", Token: "SEKRETt", UsherToken: "SEKRETu", ConnectData: []any{"SEKRETc"}}, damage)
						if len(errs) == 0 {
							whole.Add(1)
						}
						for _, err := range errs {
							logs.look("error", err.Error())
							assert.LessOrEqual(t, len(err.Error()), 1500)
							if !rightlyTyped(err) {
								mu.Lock()
								untyped[fmt.Sprintf("%T %.150v", err, err)]++
								mu.Unlock()
							}
						}
					}
				})
			}
			for i := range n {
				work <- i
			}
			close(work)
			working.Wait()
			t.Logf("%d segments, %d sessions, %d without error", len(tape), n, whole.Load())
			assert.Empty(t, logs.found, "in logs or errors, and how often")
			assert.Empty(t, untyped, "and how often")
		})
	}
}
