package session

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// replies contains the messages that the reader sends to the peer. The reader never waits to write. The replies are sent with the next
// write, or the reader writes as much of them as the connection accepts without blocking, and a flusher writes the rest.
type replies struct {
	unanswered *atomic.Uint64 // counts replies that were dropped
	urgent     atomic.Bool    // some of the pending replies must be sent soon
	later      atomic.Bool    // some of the pending replies may wait for the next write, or until the Session reads again

	mu        sync.Mutex // guards the fields below
	pending   []chunk.Outgoing
	bytes     int // total size of their bodies
	ackDue    bool
	ack       uint32 // value of the newest Acknowledgement, which replaces older ones
	windowDue bool
	window    uint32 // value of the newest Window Acknowledgement Size, which replaces older ones
	flushing  bool   // a flusher is running
	posted    bool   // pending contains messages of Post
}

// add queues a reply. urgency is &r.urgent or &r.later. The caller holds r.mu.
func (r *replies) add(o chunk.Outgoing, urgency *atomic.Bool) {
	r.pending = append(r.pending, o)
	r.bytes += len(o.Body)
	urgency.Store(true)
}

// post queues a message of Post. It returns false if there is no room, or if the chunk writer might refuse o.
func (r *replies) post(o chunk.Outgoing) bool {
	if o.ChunkStreamID < 2 || o.ChunkStreamID > chunk.MaxChunkStreamID || message.Type(o.Type) == message.TypeSetChunkSize {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) >= maxPosted || r.bytes+len(o.Body) > maxPostedBytes {
		return false
	}
	r.add(o, &r.urgent)
	r.posted = true
	return true
}

// makeUrgent makes all replies urgent.
func (r *replies) makeUrgent() {
	if r.later.Load() {
		r.urgent.Store(true)
	}
}

// announceWindow adds a Window Acknowledgement Size, which replaces one that was not sent yet. The message may wait.
func (r *replies) announceWindow(size uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.windowDue, r.window = true, size
	r.later.Store(true)
}

// acknowledge adds an Acknowledgement, which replaces one that was not sent yet.
func (r *replies) acknowledge(received uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ackDue, r.ack = true, uint32(received)
	r.urgent.Store(true)
}

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

// short reports whether the replies have at most shortReplies bytes.
func (r *replies) short() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes+len(r.pending)*chunk.MaxHeaderSize <= shortReplies
}

// takeReplies encodes the replies. The chunk writer cannot refuse them, since the library made them. The caller holds the lock.
func (w *writer) takeReplies(buf []byte) []byte {
	r := &w.replies
	if !r.urgent.Load() && !r.later.Load() { // the usual case
		return buf
	}
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
		if !w.lock.try() {
			return
		}
		done := w.writeNow()
		w.lock.unlock()
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

// roomy is a connection that is not a plain socket, but knows when a short write will not wait for the peer.
type roomy interface {
	HasRoom() bool
}

// writeNow writes the replies as far as the connection accepts them without blocking, and reports whether it has accepted all of them. The
// caller holds the lock.
func (w *writer) writeNow() bool {
	if w.stopped.Load() != nil {
		return false
	}
	if w.err != nil && !w.leaving.Load() && w.havePosted() {
		w.startFailing(w.err)
	}
	if w.err != nil || len(w.buf) > 0 || len(w.rest) > 0 {
		return false
	}
	if !w.try.usable() {
		if c, ok := w.life.nc.(roomy); !ok || !w.replies.short() || !c.HasRoom() {
			return false
		}
		fatal, err := w.put(purpose{replies: true})
		if fatal {
			w.startFailing(err)
		}
		return err == nil
	}
	w.startWrite()
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

// flusher writes the replies that the connection did not accept without blocking.
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
