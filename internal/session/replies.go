package session

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// replies are the reader's messages to the peer. The reader never waits to write: the next write takes the replies along, or the
// reader passes them to the socket as far as it takes them at once, and a flusher writes the rest.
type replies struct {
	unanswered *atomic.Uint64 // counts replies that were dropped
	due        atomic.Bool    // some are pending

	mu        sync.Mutex // guards the rest
	pending   []chunk.Outgoing
	bytes     int // of their bodies
	ackDue    bool
	ack       uint32 // of the newest Acknowledgement, which replaces older ones
	windowDue bool
	window    uint32 // of the newest Window Acknowledgement Size, likewise
	flushing  bool   // a flusher runs
}

// Reply adds a message to the replies, or drops it if there are too many. It does not block. o.Body is kept.
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

// announceWindow adds a Window Acknowledgement Size, in place of one that was not sent yet.
func (r *replies) announceWindow(size uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.windowDue, r.window = true, size
	r.due.Store(true)
}

// acknowledge adds an Acknowledgement, in place of one that was not sent yet.
func (r *replies) acknowledge(received uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ackDue, r.ack = true, uint32(received)
	r.due.Store(true)
}

// take encodes the replies. The chunk writer cannot refuse them, since the library made them.
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

// FlushReplies sends the replies without waiting.
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
	default: // the holder of the lock may have taken the replies before the last one was added
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.flushing {
		r.flushing = w.life.Own(w.flusher)
	}
}

// writeNow passes the replies to the socket, and reports whether it took them all. The caller holds the lock.
func (w *writer) writeNow() bool {
	if w.try == nil || w.err != nil || len(w.unsent) > 0 || len(w.rest) > 0 {
		return false
	}
	b := w.replies.take(w.buf[:0], w.chunks)
	w.buf = b[:0]          // a batch begins with an empty buffer
	n, _ := w.try.write(b) // the next write finds the error
	w.config.Counters.BytesWritten.Add(uint64(n))
	w.unsent = append(w.unsent, b[n:]...)
	return len(w.unsent) == 0
}

// flusher writes what the socket did not take at once.
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

// TryReply is Reply, but reports false if the message was dropped.
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

// Answer answers a call of the peer: with a _result, or with an _error and the text of err.
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

// ReplyCommand adds a command to the replies. It fails only for arguments that AMF cannot encode.
func (w *writer) ReplyCommand(cmd *message.Command) error {
	o, err := Command(ChunkStreamCommand, 0, cmd)
	if err == nil {
		w.Reply(o)
	}
	return err
}
