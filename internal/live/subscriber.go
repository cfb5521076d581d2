package live

import (
	"context"
	"io"
	"math"
	"slices"

	"github.com/go-librtmp/rtmp/internal/session"
)

// Subscriber is a player that fetches its messages: an HTTP viewer, a recorder or a program. Next and NextBatch may be used by one
// goroutine at a time, the other methods by any.
type Subscriber struct {
	reader
	collector
	news    chan struct{}
	pending []*Message // messages not yet returned by Next
}

func newSubscriber(deliver func(*Message) bool) *Subscriber {
	return &Subscriber{reader: reader{deliver: deliver}, news: make(chan struct{}, 1)}
}

func (s *Subscriber) push(*round) { session.Signal(s.news) }

// Next waits for the next message. The error is io.EOF or ErrCut when the stream has ended and all messages have been fetched, ErrNotFound
// after PlayOptions.Await, ErrClosed after Close or Hub.Close, or the error of ctx.
func (s *Subscriber) Next(ctx context.Context) (*Message, error) {
	if len(s.pending) == 0 {
		var err error
		if s.pending, err = s.NextBatch(ctx, s.pending); err != nil {
			return nil, err
		}
	}
	m := s.pending[0]
	s.pending = slices.Delete(s.pending, 0, 1)
	return m, nil
}

// NextBatch waits like Next, and appends the available messages to dst: at least one, and at most as many as one batch
// may contain.
func (s *Subscriber) NextBatch(ctx context.Context, dst []*Message) ([]*Message, error) {
	for n := len(dst); ; {
		if s.timer != nil {
			s.collect(ctx)
		}
		var err error
		if dst, s.more, err = s.fetch(dst); err != nil || len(dst) > n {
			return dst, err
		}
		if s.more {
			continue
		}
		select {
		case <-s.news:
		case <-ctx.Done():
			return dst, ctx.Err()
		}
	}
}

// fetch appends the next messages to dst. more is true if further messages did not fit.
func (s *Subscriber) fetch(dst []*Message) (_ []*Message, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left {
		return dst, false, s.err
	}
	n := len(dst)
	if s.cursor.only != nil { // the caller does not use the last batch any more
		s.position.Store(s.cursor.next)
	}
	dst, p, over := s.stream.take(&s.cursor, dst)
	if s.cursor.only == nil {
		s.position.Store(s.cursor.next)
	}
	bytes := 0
	kept := dst[:n]
	for _, m := range dst[n:] {
		if s.deliver == nil || s.deliver(m) {
			kept = append(kept, m)
			bytes += m.size
		}
	}
	clear(dst[len(kept):])
	s.count(bytes, p)
	if over {
		return kept, false, s.over()
	}
	return kept, p.more, nil
}

// over returns the error for a stream that has ended.
func (s *Subscriber) over() error {
	if _, _, err := s.stream.state(); err != nil && s.cursor.only == nil {
		return err
	}
	return io.EOF
}

// Rest says that no more messages will be fetched. The Subscriber still counts as a player, but the log keeps no messages for it. With
// Count, its owner reports what was sent instead of the messages, and how many were missed.
func (s *Subscriber) Rest() {
	s.pending = nil
	s.position.Store(math.MaxUint64)
}

// Count adds to the Subscriber's counters after Rest.
func (s *Subscriber) Count(bytes int, missed uint64) { s.count(bytes, progress{missed: missed}) }

// Missed returns the number of messages that were skipped because the Subscriber was too slow.
func (s *Subscriber) Missed() uint64 { return s.traffic.missed.Load() }

// cut ends the Subscriber before it has received everything. A recorder may still fetch the remaining messages, and then gets io.EOF.
func (s *Subscriber) cut(err error) {
	if s.aside {
		s.detach()
		return
	}
	s.close(err)
}

// Close ends the Subscriber and wakes Next.
func (s *Subscriber) Close() { s.close(ErrClosed) }

func (s *Subscriber) close(err error) {
	s.mu.Lock()
	if !s.left {
		s.left, s.err = true, err
	}
	s.mu.Unlock()
	s.detach()
}

// detach removes the Subscriber from its stream.
func (s *Subscriber) detach() {
	s.stream.remove(s)
	s.stream.hub.removeMember(s)
	session.Signal(s.news)
}
