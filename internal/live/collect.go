package live

import (
	"context"
	"slices"
	"time"
)

// collector makes a recorder fetch many messages at a time.
type collector struct {
	bytes    int           // NextBatch waits for so many bytes; 0 means that it does not collect
	patience time.Duration // but not longer than this
	timer    *time.Timer
	more     bool // the last batch did not contain all messages

	behind int // bytes that have arrived since the last fetch; guarded by stream.mu
	enough int // value of behind at which the recorder is woken; guarded by stream.mu
}

// Collect is like Subscribe, for a recorder that writes many messages at once: NextBatch waits until messages with the given number of
// bytes have arrived, or for d, or less if the log would otherwise drop messages. A message may be used only until the next call of
// NextBatch.
func (p *Publisher) Collect(bytes int, d time.Duration) *Subscriber {
	sub := newSubscriber(nil)
	policy := &p.options.Policy
	sub.collector = collector{bytes: min(bytes, policy.Backlog/8), patience: min(d, policy.BacklogTime/8), timer: time.NewTimer(d)}
	sub.timer.Stop()
	p.record(sub)
	return sub
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
