package download

import (
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	"github.com/go-librtmp/rtmp/message"
)

// requests contains what the server has asked for. The goroutine that reads the connection sets them, and interrupts the pending read of
// the stream.
type requests struct {
	mu     sync.Mutex   // guards the fields below
	stream *rtmp.Stream // the stream whose read is interrupted; nil until the stream is open
	empty  bool         // BufferEmpty
	moved  *reconnect.Moved
	ready  bool // the next session plays
}

func (h *requests) userControl(u message.UserControl) {
	if u.Event == message.EventBufferEmpty {
		h.record(func() { h.empty = true })
	}
}

func (h *requests) record(what func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	what()
	h.expire()
}

// expire interrupts a read if there is a request. The caller holds h.mu.
func (h *requests) expire() {
	if h.stream != nil && (h.empty || h.moved != nil || h.ready) {
		h.stream.SetReadDeadline(time.Unix(1, 0))
	}
}

// interrupt sets the stream whose reads are interrupted, also by a request that has arrived before.
func (h *requests) interrupt(s *rtmp.Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stream = s
	h.expire()
}

// pending reports whether take would return a request.
func (h *requests) pending() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.empty || h.moved != nil || h.ready
}

// take returns and clears the requests. The next request then interrupts a read again.
func (h *requests) take(s *rtmp.Stream) (empty bool, moved *reconnect.Moved) {
	h.mu.Lock()
	defer h.mu.Unlock()
	empty, moved = h.empty, h.moved
	h.empty, h.moved = false, nil
	s.SetReadDeadline(time.Time{})
	return empty, moved
}
