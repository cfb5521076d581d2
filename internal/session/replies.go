package session

import (
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// replies contains the messages that the reader sends to the peer. The reader never waits to write. The replies are sent with the next
// write, or the reader writes as much of them as the socket accepts without blocking, and a flusher writes the rest.
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
