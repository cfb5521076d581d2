package rtmp

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// maxClosedIDs is how many ids of closed streams are remembered, the newest. What a server still has under way for a stream
// arrives soon after its end, so nobody misses the others.
const maxClosedIDs = 256

// streamTable holds the open streams by message stream id, and knows which ids belong to nobody any more.
type streamTable struct {
	conn *link

	mu     sync.Mutex // guards the rest
	byID   map[uint32]*Stream
	only   *Stream  // the single open stream, else nil
	closed []uint32 // ids that were given out and are not open, oldest first; at most maxClosedIDs, never 0
}

// of returns the stream that a message is for; nil: it is for nobody. While just one stream is open it gets what has the id
// 0 or one that was never given out, too: servers are seen that send media so. What is still under way for a stream that was
// closed must not get into another.
func (t *streamTable) of(id uint32) *Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.only == nil:
		return t.byID[id]
	case t.only.id != id && slices.Contains(t.closed, id):
		return nil
	}
	return t.only
}

// newStream returns a stream that the server does not know of yet, and that is not in the table.
func (t *streamTable) newStream(o StreamOptions) *Stream {
	c := t.conn
	s := &Stream{conn: c, table: t, name: o.Name, options: o, buffer: c.opts.buffer(),
		wake: make(chan struct{}, 1), writeWake: make(chan struct{}, 1)}
	s.reader = session.Waiter{What: "read", Idle: max(0, c.opts.Timeout), Wake: s.wake, Sink: s.asSink(), Taker: (*readingStream)(s)}
	s.sending = c.session.NewSendQueue(c.opts.SendQueue)
	s.backlog = c.session.NewBacklog(c.opts.maxQueue(), func() string { return s.opening("stream " + strconv.Itoa(int(s.id))) })
	if s.name == "" {
		s.name = c.playpath()
	}
	return s
}

func (t *streamTable) all() []*Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*Stream, 0, len(t.byID))
	for _, s := range t.byID {
		all = append(all, s)
	}
	return all
}

// holds reports whether s is open.
func (t *streamTable) holds(s *Stream) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[s.id] == s
}

func (t *streamTable) add(s *Stream) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[s.id] != nil {
		return &StatusError{Code: message.CodeCallFailed, Level: "error", Description: fmt.Sprintf(
			"the server gave out stream id %d twice: it can't serve several streams on one connection", s.id)}
	}
	if t.byID == nil {
		t.byID = make(map[uint32]*Stream)
	}
	t.byID[s.id] = s
	if i := slices.Index(t.closed, s.id); i >= 0 {
		t.closed = slices.Delete(t.closed, i, i+1)
	}
	t.count()
	return nil
}

func (t *streamTable) remove(s *Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[s.id] == s {
		delete(t.byID, s.id)
		t.close(s.id)
		t.count()
	}
}

// closeAll closes the open streams. Those that play only have something to say, which is left to the caller: last. refused is what the
// server has refused of the others.
func (t *streamTable) closeAll() (last []chunk.Outgoing, refused error) {
	for _, s := range t.all() {
		if s.options.Writable {
			if err := s.Close(); t.conn.Err() == nil {
				refused = errors.Join(refused, err)
			}
			continue
		}
		if o, err := s.farewell(); err == nil { // deleteStream, as librtmp does
			last = append(last, o...)
		}
		s.markClosed() // nobody will read what is queued, and the reader is not to wait for that
		s.backlog.Queued(0)
	}
	return last, refused
}

// giveUp makes id one that belongs to nobody. It reports false when a stream has it, from a server that gives out the same id
// twice.
func (t *streamTable) giveUp(id uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[id] != nil {
		return false
	}
	t.close(id)
	return true
}

// close remembers id as one that belongs to nobody. The caller holds t.mu.
func (t *streamTable) close(id uint32) {
	if id == 0 || slices.Contains(t.closed, id) {
		return
	}
	if len(t.closed) == maxClosedIDs {
		t.closed = slices.Delete(t.closed, 0, 1)
	}
	t.closed = append(t.closed, id)
}

func (t *streamTable) count() {
	t.only = nil
	if len(t.byID) == 1 {
		for _, s := range t.byID {
			t.only = s
		}
	}
}
