package download

import (
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/observe"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	"github.com/go-librtmp/rtmp/message"
)

// heard is what the server has said that the download acts on. Whoever reads the connection notes it, and the read of the stream
// that is under way returns.
type heard struct {
	mu        sync.Mutex   // guards the rest
	stream    *rtmp.Stream // whose read is to return; nil: there is none yet
	empty     bool         // BufferEmpty
	reconnect bool         // a request to reconnect
	tcURL     string       // where it leads; "": to the same place
}

// observer notes that the buffer is empty if pauses is set, and requests to reconnect if moves is.
func (h *heard) observer(pauses, moves bool) *observe.Observer {
	o := new(observe.Observer)
	if pauses {
		o.UserControl = func(u message.UserControl) {
			if u.Event == message.EventBufferEmpty {
				h.note(func() { h.empty = true })
			}
		}
	}
	if moves {
		o.Status = func(status *rtmp.StatusError) {
			if tcURL, ok := reconnect.Request(status); ok {
				h.note(func() { h.reconnect, h.tcURL = true, tcURL })
			}
		}
	}
	return o
}

func (h *heard) note(what func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	what()
	if h.stream != nil {
		h.stream.SetReadDeadline(time.Unix(1, 0))
	}
}

// interrupt makes s the stream whose reads return.
func (h *heard) interrupt(s *rtmp.Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stream = s
}

// something reports whether take has something to return.
func (h *heard) something() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.empty || h.reconnect
}

// take returns what was noted since the last call. The next note interrupts a read again.
func (h *heard) take(s *rtmp.Stream) (empty, reconnect bool, tcURL string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	empty, reconnect, tcURL = h.empty, h.reconnect, h.tcURL
	h.empty, h.reconnect = false, false
	s.SetReadDeadline(time.Time{})
	return empty, reconnect, tcURL
}
