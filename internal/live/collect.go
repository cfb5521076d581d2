package live

import (
	"context"
	"slices"
	"time"
)

// collector makes a recorder fetch many messages at a time.
type collector struct {
	bytes    int           // NextBatch waits until this number of bytes has arrived; 0 means that it does not wait for more
	patience time.Duration // NextBatch does not wait longer than this
	timer    *time.Timer
	more     bool // the last batch did not contain all messages

	behind int // bytes that have arrived since the last fetch; guarded by stream.mu
	enough int // the recorder is woken when behind reaches this value; guarded by stream.mu
}

func newCollector(bytes int, d time.Duration, policy *Policy) collector {
	c := collector{bytes: min(bytes, policy.Backlog/8), patience: min(d, policy.BacklogTime/8), timer: time.NewTimer(d)}
	c.timer.Stop()
	return c
}

// collect waits until it is time to fetch messages.
func (s *Subscriber) collect(ctx context.Context) {
	if !s.more {
		s.timer.Reset(s.patience)
		for waiting := true; waiting && !s.stream.wakeWhenEnough(s); {
			select {
			case <-s.news:
			case <-s.timer.C:
				waiting = false
			case <-ctx.Done():
				waiting = false
			}
		}
		s.timer.Stop()
	}
	s.stream.mu.Lock()
	defer s.stream.mu.Unlock()
	s.behind, s.enough = 0, 0
}

// wakeWhenEnough makes append wake r when enough bytes have arrived. It returns true if r need not wait.
func (s *stream) wakeWhenEnough(r *Subscriber) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.enough = r.bytes
	return r.behind >= r.enough || !slices.Contains(s.recorders, r) || s.ended || r.cursor.only.ended != 0
}
