package session

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// replies are what the reader, which never waits for the peer to read, has to say. The next writer takes them along; else the
// reader gives the socket what it takes without waiting, and a flusher that is started for it writes the rest.
type replies struct {
	unanswered *atomic.Uint64 // pings and the like left unanswered
	due        atomic.Bool    // some wait

	mu        sync.Mutex // guards the rest
	pending   []chunk.Outgoing
	bytes     int // of their bodies
	ackDue    bool
	ack       uint32 // only the newest Acknowledgement says anything
	windowDue bool
	window    uint32 // likewise of our Window Acknowledgement Size
	flushing  bool   // a flusher runs
}

// Reply leaves a message for the next writer, or FlushReplies. It never blocks: what finds no room is dropped. o.Body is kept.
func (w *writer) Reply(o chunk.Outgoing) {
	r := &w.replies
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) >= MaxReplies {
		r.unanswered.Add(1)
		return
	}
	r.add(o)
}

// add queues a reply. The caller holds r.mu.
func (r *replies) add(o chunk.Outgoing) {
	r.pending = append(r.pending, o)
	r.bytes += len(o.Body)
	r.due.Store(true)
}

// announceWindow leaves a Window Acknowledgement Size, replacing one that has not left yet.
func (r *replies) announceWindow(size uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.windowDue, r.window = true, size
	r.due.Store(true)
}

// acknowledge leaves an Acknowledgement, replacing one that has not left yet.
func (r *replies) acknowledge(received uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ackDue, r.ack = true, uint32(received)
	r.due.Store(true)
}

// take encodes what the reader left. The chunk writer can't refuse it: the library made it.
func (r *replies) take(buf []byte, chunks *chunk.Writer) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ackDue {
		r.ackDue = false
		o := Control(message.TypeAcknowledgement, message.AppendUint32(nil, r.ack))
		buf, _ = chunks.AppendMessage(buf, &o)
	}
	if r.windowDue {
		r.windowDue = false
		o := Control(message.TypeWindowAckSize, message.AppendUint32(nil, r.window))
		buf, _ = chunks.AppendMessage(buf, &o)
	}
	for i := range r.pending {
		buf, _ = chunks.AppendMessage(buf, &r.pending[i])
	}
	clear(r.pending)
	r.pending, r.bytes = r.pending[:0], 0
	r.due.Store(false)
	return buf
}

// FlushReplies sends what the reader left, without waiting for anything.
func (w *writer) FlushReplies() {
	r := &w.replies
	if !r.due.Load() {
		return
	}
	select {
	case w.lock <- struct{}{}:
		done := w.writeNow()
		w.release()
		if done {
			return
		}
	default: // its holder may have taken the replies before the last came
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.flushing {
		r.flushing = w.life.Own(w.flusher)
	}
}

// writeNow gives the socket what it takes. It reports whether that was all. The caller holds the lock.
func (w *writer) writeNow() bool {
	if w.try == nil || w.err != nil || len(w.unsent) > 0 || len(w.rest) > 0 {
		return false
	}
	b := w.replies.take(w.buf[:0], w.chunks)
	w.buf = b[:0]          // a batch begins where it is empty
	n, _ := w.try.write(b) // the next ordinary write finds what is wrong
	w.config.Counters.BytesWritten.Add(uint64(n))
	w.unsent = append(w.unsent, b[n:]...)
	return len(w.unsent) == 0
}

// flusher writes what the socket did not take at once, until nothing is left.
func (w *writer) flusher() {
	r := &w.replies
	for w.SendReply() == nil {
		r.mu.Lock()
		if !r.due.Load() {
			r.flushing = false
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
	}
}

// TryReply is Reply for what must not be lost silently: it reports false when there is no room.
func (w *writer) TryReply(o chunk.Outgoing) bool {
	r := &w.replies
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) >= MaxReplies || len(r.pending) > 0 && r.bytes+len(o.Body) > maxReplyBytes {
		return false
	}
	r.add(o)
	return true
}

// Answer sends the outcome of a call of the peer's: a _result, or an _error with err's text.
func (w *writer) Answer(method string, id float64, result any, err error) {
	if err == nil {
		o, bad := Command(ChunkStreamCommand, 0, &message.Command{Name: "_result", TransactionID: id, Args: []any{result}})
		if bad == nil {
			w.SendReply(o)
			return
		}
		err = fmt.Errorf("result of %s: %w", method, bad)
	}
	w.SendReply(CallFailed(id, err))
}

// ReplyCommand leaves a command for the next writer. It fails only for arguments that AMF can't express.
func (w *writer) ReplyCommand(cmd *message.Command) error {
	o, err := Command(ChunkStreamCommand, 0, cmd)
	if err == nil {
		w.Reply(o)
	}
	return err
}
