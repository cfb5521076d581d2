package server

import (
	"io"
	"sync"

	"github.com/go-librtmp/rtmp/internal/session"
)

// ingest is where the media of one publish command goes: into a queue at first, since the program has not agreed yet, and then to
// take, or to a Handler, which empties the queue itself. The queue stops the reader when it is full.
type ingest struct {
	waiting *waiting
	wake    chan struct{} // signalled when there is something for pop, or the end

	mu      sync.Mutex // guards the rest; held during take, which must not wait
	queue   session.MediaQueue
	counted int                      // bytes of queue, in waiting
	take    func(m *session.Message) // nil: into the queue
	over    error                    // why nothing more will come: io.EOF if the client has said so
}

func (c *Conn) newIngest() *ingest { return &ingest{wake: make(chan struct{}, 1), waiting: &c.waiting} }

// waiting counts what the queues of all publish commands of a connection hold: streams may be closed, and published anew, before the
// first hook has returned.
type waiting struct {
	mu      sync.Mutex
	backlog *session.Backlog // set before the first add
	bytes   int
}

func (w *waiting) add(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes += n
	w.backlog.Queued(w.bytes)
}

// queued counts the queue after a change. The caller holds in.mu.
func (in *ingest) queued() {
	n := in.queue.Len()
	in.waiting.add(n - in.counted)
	in.counted = n
}

// receive takes a message from the reader.
func (in *ingest) receive(m *session.Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.over != nil:
	case in.take != nil:
		in.take(m)
	default:
		in.queue.Push(m)
		in.queued()
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
	in.queued()
	in.take = take
}

// pop gives into the oldest message, which is valid during the call. It reports false if there is none, and why none will come if so.
func (in *ingest) pop(into func(m *session.Message)) (ok bool, over error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.queue.Len() == 0 {
		return false, in.over
	}
	m := in.queue.Front()
	into(&m)
	in.queue.Pop()
	in.queued()
	return true, nil
}

// end is for when nothing more will come, and why. What is queued stays for open and pop.
func (in *ingest) end(why error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.endLocked(why)
}

// drop throws away what is queued and what will come: nobody will want it.
func (in *ingest) drop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.queue.Clear()
	in.queued()
	in.endLocked(io.EOF)
}

func (in *ingest) endLocked(why error) {
	if in.over == nil {
		in.over = why
		in.signal()
	}
}
