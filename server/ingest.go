package server

import (
	"io"
	"sync"

	"github.com/go-librtmp/rtmp/internal/session"
)

// ingest receives the media of one publish command. It queues media until the program has accepted the command. After that it passes media
// to take, or keeps it queued for a Handler. When the queue is full, the reader stops.
type ingest struct {
	waiting *waiting
	wake    chan struct{} // signalled when pop has something to return or the media has ended

	mu      sync.Mutex // guards the fields below; held while take runs, which must not block
	queue   session.MediaQueue
	counted int                      // number of bytes in queue that are included in waiting
	take    func(m *session.Message) // nil while media is queued
	over    error                    // the reason why no more media will arrive; io.EOF if the client has ended the stream
}

func newIngest(w *waiting) *ingest { return &ingest{wake: make(chan struct{}, 1), waiting: w} }

// waiting counts the bytes in the queues of all publish commands of a connection. There may be many queues, since a client can close a
// stream and publish it again before the first hook has returned.
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

// queued updates the counts after in.queue has changed. The caller holds in.mu.
func (in *ingest) queued() {
	n := in.queue.Len()
	in.waiting.add(n - in.counted)
	in.counted = n
}

// receive queues a message or passes it to take. The reader calls it.
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
		session.Signal(in.wake)
	}
}

// open passes the queued messages and all later ones to take.
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

// pop passes the oldest message to into, which may use it only during the call. If the queue is empty, ok is false,
// and over is nil or says why no more media will arrive.
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

// end records that no more media will arrive, and why. The queued messages are kept for open
// and pop.
func (in *ingest) end(why error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.endLocked(why)
}

// complete reports whether the client itself has ended the stream.
func (in *ingest) complete() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.over == io.EOF
}

// drop discards the queued messages and all later ones.
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
		session.Signal(in.wake)
	}
}
