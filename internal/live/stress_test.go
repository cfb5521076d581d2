package live_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/live"
)

// TestEverythingAtOnce calls all methods concurrently. Messages must arrive in order, and at the end no member may be
// left.
func TestEverythingAtOnce(t *testing.T) {
	h := live.NewHub(live.Config{})
	var all sync.WaitGroup
	ordered := func(now *uint32, ms uint32) {
		if ms < *now {
			t.Errorf("time runs back from %d to %d", *now, ms)
		}
		*now = ms
	}
	for n := range uint64(3) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(n, 1))
			for i := range 40 {
				pub, err := h.Publish(fmt.Sprintf("app/%d", i%2), live.PublishOptions{Policy: live.Policy{Takeover: live.TakeAlways,
					Backlog: 10_000, Linger: 100 * time.Millisecond}})
				if err != nil {
					assert.ErrorIs(t, err, live.ErrClosed)
					return
				}
				recorder := pub.Collect([]int{1_000, 1, 1}[i%3], time.Millisecond)
				all.Go(func() {
					defer recorder.Close()
					for now := uint32(0); ; {
						m, err := recorder.Next(t.Context())
						if err != nil {
							assert.ErrorIs(t, err, io.EOF)
							return
						}
						ordered(&now, m.Tag().Timestamp)
					}
				})
				for ms := range uint32(r.IntN(400)) {
					tag := frame(ms, 0)
					if ms%20 == 0 {
						tag = key(ms, 0)
					}
					if err := pub.Write(padded(tag, r.IntN(2000))); err != nil {
						assert.ErrorIs(t, err, live.ErrReplaced)
						break
					}
				}
				pub.Close()
			}
		})
	}
	for n := range uint64(8) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(n, 2))
			for i := range 60 {
				c := newClient(65536)
				c.patient = r.IntN(2) == 0
				o := c.options()
				o.StreamID = uint32(r.IntN(3))
				o.NoCache = r.IntN(2) == 0
				p, err := h.Play(fmt.Sprintf("app/%d", i%2), c, o)
				require.NoError(t, err)
				for range r.IntN(20) {
					c.stall(r.IntN(3) == 0)
					p.Receive(r.IntN(4) > 0, r.IntN(4) > 0)
					p.Pause(r.IntN(3) == 0)
					p.Stats()
					h.Stats()
				}
				if r.IntN(2) == 0 {
					c.stall(false)
				} else {
					p.Leave()
					c.fail()
				}
				p.Close()
				now := uint32(0)
				for _, tag := range c.tags {
					ordered(&now, tag.Timestamp)
				}
			}
		})
	}
	for range 2 {
		all.Go(func() {
			for i := range 60 {
				s, err := h.Subscribe(fmt.Sprintf("app/%d", i%2), live.PlayOptions{Await: time.Duration(1+i%2) * time.Millisecond})
				require.NoError(t, err)
				now := uint32(0)
				for range 50 {
					m, err := s.Next(t.Context())
					if errors.Is(err, io.EOF) || errors.Is(err, live.ErrNotFound) {
						break
					}
					require.NoError(t, err)
					ordered(&now, m.Tag().Timestamp)
				}
				s.Close()
			}
		})
	}
	all.Wait()
	assert.NoError(t, h.Shutdown(t.Context()))
	h.Close()
	assert.Empty(t, h.Stats())
}
