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

// Collect is like Subscribe, for a recorder that writes many messages at once. NextBatch waits until messages with the given number of
// bytes have arrived, but at most for d, and not so long that the log would drop messages. A message may be used only until the next call
// of NextBatch.
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
		for waiting := true; waiting && !s.stream.collected(s); {
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

// collected reports whether r can fetch its messages now. If it returns false, r will be woken when it can.
func (s *stream) collected(r *Subscriber) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.enough = r.bytes
	return r.behind >= r.enough || !slices.Contains(s.recorders, r) || s.ended || r.cursor.only.ended != 0
}
