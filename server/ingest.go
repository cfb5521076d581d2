package server

import (
	"sync"

	"github.com/go-librtmp/rtmp/internal/session"
)

// ingest is where the media of one publish command goes: into a queue at first, since the program has not agreed yet, and then to
// take, or to a Handler, which empties the queue itself. The queue stops the reader when it is full.
type ingest struct {
	backlog *session.Backlog
	wake    chan struct{} // signalled when there is something for pop, or the end

	mu    sync.Mutex // guards the rest; held during take, which must not wait
	queue session.MediaQueue
	take  func(m *session.Message) // nil: into the queue
	ended bool                     // nothing more will come
}

func (c *Conn) newIngest() *ingest {
	return &ingest{wake: make(chan struct{}, 1),
		backlog: c.core.NewBacklog(max(1<<20, c.server.maxMessage()), func() string { return "media that waits for a hook" })}
}

// receive takes a message from the reader.
func (in *ingest) receive(m *session.Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.ended:
	case in.take != nil:
		in.take(m)
	default:
		in.queue.Push(m)
		in.backlog.Queued(in.queue.Len())
		in.signal()
	}
}

func (in *ingest) signal() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// open gives take what is queued and what will come.
func (in *ingest) open(take func(m *session.Message)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.queue.Len() > 0 {
		m := in.queue.Front()
		take(&m)
		in.queue.Pop()
	}
	in.backlog.Queued(0)
	in.take = take
}

// pop gives into the oldest message, which is valid during the call. It reports false if there is none, and whether none will come.
func (in *ingest) pop(into func(m *session.Message)) (ok, ended bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.queue.Len() == 0 {
		return false, in.ended
	}
	m := in.queue.Front()
	into(&m)
	in.queue.Pop()
	in.backlog.Queued(in.queue.Len())
	return true, false
}

// end is for when nothing more will come. What is queued stays for open and pop.
func (in *ingest) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	in.signal()
}

// drop throws away what is queued and what will come: nobody will want it.
func (in *ingest) drop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	in.queue.Clear()
	in.backlog.Queued(0)
	in.signal()
}
