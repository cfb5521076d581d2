package session

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// Reply adds a message to the replies, or drops it if too many replies are waiting. It does not block. It keeps o.Body.
func (w *writer) Reply(o chunk.Outgoing) { w.reply(o, &w.replies.urgent) }

// ReplyLater is like Reply, but the message is sent with the next write or when the Session reads again, which saves a system call.
func (w *writer) ReplyLater(o chunk.Outgoing) { w.reply(o, &w.replies.later) }

func (w *writer) reply(o chunk.Outgoing, urgency *atomic.Bool) {
	r := &w.replies
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) >= MaxReplies {
		r.unanswered.Add(1)
		return
	}
	r.add(o, urgency)
}

// takeReplies encodes the replies. The chunk writer cannot refuse them, since the library made them. The caller holds the lock.
func (w *writer) takeReplies(buf []byte) []byte {
	r := &w.replies
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ackDue {
		r.ackDue = false
		o := Control(message.TypeAcknowledgement, message.AppendUint32(nil, r.ack))
		buf, _ = w.encode(buf, &o)
	}
	if r.windowDue {
		r.windowDue = false
		o := Control(message.TypeWindowAckSize, message.AppendUint32(nil, r.window))
		buf, _ = w.encode(buf, &o)
	}
	for i := range r.pending {
		buf, _ = w.encode(buf, &r.pending[i])
	}
	clear(r.pending)
	r.pending, r.bytes = r.pending[:0], 0
	w.posted, r.posted = w.posted || r.posted, false
	r.urgent.Store(false)
	r.later.Store(false)
	return buf
}

// FlushReplies sends the replies without waiting. If a write is in progress, that write sends them when it releases the lock.
func (w *writer) FlushReplies() {
	for range 2 { // a bounded number of times, since others may keep adding replies
		if !w.replies.urgent.Load() {
			return
		}
		select {
		case w.lock <- struct{}{}:
		default:
			return
		}
		done := w.writeNow()
		<-w.lock
		if !done {
			w.startFlusher()
			return
		}
	}
	if w.replies.urgent.Load() {
		w.startFlusher()
	}
}

func (w *writer) startFlusher() {
	r := &w.replies
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.flushing {
		r.flushing = w.life.Own(w.flusher)
	}
}

// writeNow writes the replies as far as the socket accepts them without blocking, and reports whether it has accepted all of them. The
// caller holds the lock.
func (w *writer) writeNow() bool {
	if w.err != nil && !w.leaving.Load() && w.havePosted() {
		w.life.Fail(w.err)
	}
	if !w.try.usable() || w.err != nil || len(w.buf) > 0 || len(w.rest) > 0 {
		return false
	}
	w.begin()
	if w.offer(0) { // keeps no write buffer, since there may be thousands of players
		return true
	}
	w.box, w.buf = new([]byte), slices.Clone(w.buf) // keep a small copy instead of a large buffer of the pool
	return false
}

// havePosted reports whether a message of Post is waiting. The caller holds the lock.
func (w *writer) havePosted() bool {
	r := &w.replies
	r.mu.Lock()
	defer r.mu.Unlock()
	return w.posted || r.posted
}

// flusher writes the replies that the socket did not accept without blocking.
func (w *writer) flusher() {
	r := &w.replies
	for w.SendReply() == nil {
		r.mu.Lock()
		if !r.urgent.Load() {
			r.flushing = false
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
	}
}

// TryReply is like Reply, but returns false if the message was dropped.
func (w *writer) TryReply(o chunk.Outgoing) bool {
	r := &w.replies
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) >= MaxReplies || len(r.pending) > 0 && r.bytes+len(o.Body) > maxReplyBytes {
		return false
	}
	r.add(o, &r.urgent)
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
