package session

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// queueLimit is how many bytes may wait for the sender before Enqueue blocks, if nothing is dropped.
const queueLimit = 256 << 10

// sendNowSize is the size in bytes from which a message is sent at once rather than queued. Smaller messages are gathered, since a system
// call costs more than copying them.
const sendNowSize = 32 << 10

// finishCheck is how often Finish checks for progress.
const finishCheck = 125 * time.Millisecond

// SendQueue holds the media that a stream sends. A goroutine of the Session, the sender, sends everything that is queued with one
// system call. Large messages are written directly to the socket as far as it accepts them. When the queue is full, Enqueue blocks or drops
// media.
type SendQueue struct {
	w        *writer
	streamID uint32 // set before the sender runs
	dropping bool   // media is dropped when the queue is full; otherwise Enqueue blocks

	more  chan struct{} // signalled when something was queued
	room  chan struct{} // signalled when the queue has been sent, and when the sender ends
	ended chan struct{} // closed when the sender has ended

	mu     sync.Mutex // guards the fields below
	queue  DropQueue
	busy   bool // messages that were taken from the queue are being sent
	unsent int  // bytes that are being sent, and those that sendNow has left to the sender
	closed bool
	err    error
	counts bool          // senders.busy includes this queue
	sent   chan struct{} // closed when the messages that are being sent have been sent; nil if no goroutine waits for that
	next   chan struct{} // closed when the messages in queue have been sent; nil if no goroutine waits for that
}

// NewSendQueue returns a queue that drops media if more than dropBeyond bytes are queued. If dropBeyond is 0, Enqueue blocks instead.
func (w *writer) NewSendQueue(dropBeyond int) *SendQueue {
	return &SendQueue{w: w, dropping: dropBeyond > 0, queue: NewDropQueue(dropBeyond),
		more: make(chan struct{}, 1), room: make(chan struct{}, 1), ended: make(chan struct{})}
}

// Drops reports whether the queue drops media when it is full.
func (q *SendQueue) Drops() bool { return q.dropping }

// Start starts the sender for a message stream. It returns false if the Session has ended.
func (q *SendQueue) Start(streamID uint32) bool {
	q.streamID = streamID
	q.w.sending.add(q)
	if !q.w.life.Own(q.run) {
		q.w.sending.remove(q)
		return false
	}
	return true
}

// Ended returns a channel that is closed when the sender has ended.
func (q *SendQueue) Ended() <-chan struct{} { return q.ended }

// close makes the sender end after it has sent everything that is queued.
func (q *SendQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	Signal(q.more)
}

func (q *SendQueue) failure() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// over returns the reason why nothing more can be sent, or nil. The caller holds q.mu.
func (q *SendQueue) over() error {
	if q.err == nil && q.closed {
		return fmt.Errorf("rtmp: stream: %w", net.ErrClosed)
	}
	return q.err
}

// Unsent returns how many bytes the socket has not accepted yet: those that are queued, and those of a write in progress.
func (q *SendQueue) Unsent() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.queue.Len() + q.unsent
}

// offer sends or queues a message. It returns false if there is no room.
func (q *SendQueue) offer(o *chunk.Outgoing) (bool, error) {
	if n := len(o.Body); n >= sendNowSize && n <= chunk.MaxMessageLength && !q.dropping {
		if done, err := q.sendNow(o); done {
			return true, err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.over(); err != nil {
		return false, err
	}
	if len(o.Body) > chunk.MaxMessageLength {
		return false, fmt.Errorf("rtmp: publish: %w", &chunk.Error{Detail: "message too long to send", Value: len(o.Body)})
	}
	m := Message{Packet: message.Packet{Type: message.Type(o.Type), ChunkStreamID: o.ChunkStreamID, Timestamp: o.Timestamp,
		Body: o.Body}}
	switch {
	case q.dropping:
		taken, dropped := q.queue.Offer(&m)
		if !taken {
			dropped++
		}
		q.w.counters.Dropped.Add(uint64(dropped))
	case q.queue.Len() > 0 && q.queue.Len()+len(o.Body) > queueLimit:
		return false, nil
	default:
		q.queue.Push(&m)
	}
	q.count(true) // busy until send has run, even if everything was dropped
	Signal(q.more)
	return true, nil
}

// Enqueue sends or queues a message, and replaces its stream id by that of the queue. It waits for room within the limit of who; nil means
// no limit. It does not keep the body. Several goroutines may call Enqueue at the same time.
func (q *SendQueue) Enqueue(who Writer, o *chunk.Outgoing) error {
	return q.wait(who, func() (bool, error) {
		if err := q.w.life.Err(); err != nil {
			return false, err
		}
		if _, err := (purpose{who: who}).limit(); err != nil {
			return false, err
		}
		return q.offer(o)
	})
}

// Drained waits until everything that is queued has been sent, within the limit of who.
func (q *SendQueue) Drained(who Writer) error {
	return q.wait(who, func() (bool, error) {
		q.mu.Lock()
		defer q.mu.Unlock()
		return !q.busy && q.queue.Len() == 0, q.over()
	})
}

// wait calls try whenever there may be more room, within the limit of who, until try returns true or an error.
func (q *SendQueue) wait(who Writer, try func() (bool, error)) error {
	done, err := try()
	if done || err != nil {
		return err
	}
	defer Signal(q.room) // wake another call: there may be room for it, or the queue has ended
	for !done && err == nil {
		if err = q.w.waitFor(purpose{who: who}, q.room); err == nil {
			done, err = try()
		}
	}
	return err
}

// run is the sender. It sends what is queued until the queue is closed and empty, or the connection ends.
func (q *SendQueue) run() {
	defer func() {
		q.w.sending.remove(q)
		close(q.ended)
		Signal(q.room)
	}()
	for {
		select {
		case <-q.more:
		case <-q.w.life.done:
			return
		}
		q.mu.Lock()
		last := q.closed // read before Begin: if the queue is closed now, nothing is queued after the batch below
		q.mu.Unlock()
		b, err := q.w.Begin(nil) // without a limit, since the stream may be closing
		if err == nil {
			err = q.send(&b, nil)
		}
		q.mu.Lock()
		if q.err == nil {
			q.err = err
		}
		last = last || q.err != nil
		q.mu.Unlock()
		if last {
			return
		}
	}
}

// send sends everything that is queued, and then o, which may be nil. It ends the batch.
func (q *SendQueue) send(b *Batch, o *chunk.Outgoing) (err error) {
	defer b.w.release()
	q.mu.Lock()
	queue := q.queue.Take()
	q.sent, q.next = q.next, nil
	q.busy, q.unsent = true, queue.Len()+len(b.w.buf)
	if o != nil {
		q.unsent += len(o.Body)
	}
	q.mu.Unlock()
	for m := range queue.All() {
		queued := chunk.Outgoing{Type: uint8(m.Type), ChunkStreamID: m.ChunkStreamID, Timestamp: m.Timestamp, Format: chunk.Format3, Body: m.Body}
		if err = q.add(b, &queued); err != nil {
			break
		}
	}
	if o != nil && err == nil {
		err = q.add(b, o)
	}
	queue.Clear()
	err = b.finish(err)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy, q.unsent = false, len(b.w.buf)
	if q.err == nil { // sendNow may have set an error, which is final
		q.err = err
	}
	q.count(q.queue.Len() > 0)
	closeDone(&q.sent)
	Signal(q.room)
	return err
}

func (q *SendQueue) add(b *Batch, o *chunk.Outgoing) error {
	here := *o
	here.StreamID = q.streamID
	return b.Add(&here)
}

// sendNow sends the queued messages and then o, a large message, without copying o into the queue. The sender sends what the socket does
// not accept without blocking. sendNow returns false, and does nothing, if another write is in progress.
func (q *SendQueue) sendNow(o *chunk.Outgoing) (bool, error) {
	b, ok := q.w.tryBegin()
	if !ok {
		return false, nil
	}
	q.mu.Lock()
	err := q.over()
	q.mu.Unlock()
	if err != nil {
		return true, b.End(err)
	}
	if err = q.send(&b, o); err != nil || b.full {
		Signal(q.more)
	}
	return true, err
}

// Finish waits until everything has been sent, and then ends the queue. It gives up if the peer accepts no bytes for the time that grace
// returns, which may change meanwhile, or after Config.Timeout. It returns the error of sending, if there is one.
func (q *SendQueue) Finish(grace func() time.Duration) error {
	w := q.w
	q.close()
	var limit <-chan time.Time
	if t := w.config.Timeout; t > 0 {
		timer := time.NewTimer(t)
		defer timer.Stop()
		limit = timer.C
	}
	tick := time.NewTicker(finishCheck)
	defer tick.Stop()
	w.deadline.interrupt(nil) // interrupt the write: it counts the accepted bytes only when it returns
	quiet, before, ended := time.Duration(0), w.counters.BytesWritten.Load(), q.ended
	var lock <-chan struct{} // not nil while waiting for the write lock, after the queue has ended
	defer func() {
		if lock != nil {
			w.lock.leave()
		}
	}()
	for {
		select {
		case <-ended:
			if err := q.failure(); err != nil {
				return err
			}
			if w.lock.join() {
				w.release()
				return w.life.Err()
			}
			ended, lock = nil, w.lock.passed
			continue
		case <-lock:
			lock = nil
			w.release()
			return w.life.Err()
		case <-w.life.done:
			return w.life.Err()
		case <-limit:
		case <-tick.C:
			w.deadline.interrupt(nil)
			quiet += finishCheck
			if now := w.counters.BytesWritten.Load(); now != before {
				quiet, before = finishCheck, now // the peer accepted these bytes before the last check
			}
			if quiet < grace() {
				continue
			}
		}
		return w.life.Fail(&TimeoutError{What: "stream: close"})
	}
}
