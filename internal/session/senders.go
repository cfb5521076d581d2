package session

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// senders contains the SendQueues of a connection whose senders are running. Messages that must not overtake queued media wait for these
// queues.
type senders struct {
	busy atomic.Int32 // number of queues that are not empty, or are sending

	mu  sync.Mutex // guards all
	all []*SendQueue
}

func (s *senders) add(q *SendQueue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, q)
}

// remove removes a queue whose sender has ended, and ends the waits for that queue.
func (s *senders) remove(q *SendQueue) {
	s.mu.Lock()
	s.all = slices.DeleteFunc(s.all, func(other *SendQueue) bool { return other == q })
	s.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count(false)
	closeDone(&q.sent)
	closeDone(&q.next)
}

// afterMedia waits until all media that was queued before the call has been sent.
func (w *writer) afterMedia(ctx context.Context) error {
	s := &w.sending
	if s.busy.Load() == 0 {
		return nil
	}
	var ahead []<-chan struct{}
	s.mu.Lock()
	for _, q := range s.all {
		if sent := q.ahead(); sent != nil {
			ahead = append(ahead, sent)
		}
	}
	s.mu.Unlock()
	for _, sent := range ahead {
		select {
		case <-sent:
		case <-ctx.Done():
			return fmt.Errorf("rtmp: write: %w", ctx.Err())
		case <-w.life.done:
			return w.life.Err()
		}
	}
	return nil
}

// ahead returns a channel that is closed when the messages that are queued now have been sent, or nil if there are none.
func (q *SendQueue) ahead() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.queue.Len() > 0:
		return makeDone(&q.next)
	case q.busy:
		return makeDone(&q.sent)
	}
	return nil
}

// count updates senders.busy. busy is true if the queue is not empty or is sending. The caller holds q.mu.
func (q *SendQueue) count(busy bool) {
	if busy == q.counts {
		return
	}
	if q.counts = busy; busy {
		q.w.sending.busy.Add(1)
	} else {
		q.w.sending.busy.Add(-1)
	}
}

// makeDone returns *c, after making the channel if it is nil.
func makeDone(c *chan struct{}) <-chan struct{} {
	if *c == nil {
		*c = make(chan struct{})
	}
	return *c
}

// closeDone closes *c unless it is nil, and sets it to nil.
func closeDone(c *chan struct{}) {
	if *c != nil {
		close(*c)
		*c = nil
	}
}
