package download

import (
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/observe"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	"github.com/go-librtmp/rtmp/message"
)

// heard holds the server's requests that the download acts on. The goroutine that reads the connection sets them, and
// interrupts the pending read of the stream.
type heard struct {
	mu        sync.Mutex   // guards the fields below
	stream    *rtmp.Stream // the stream whose read is interrupted; nil before there is one
	empty     bool         // BufferEmpty
	reconnect bool         // the server has asked the client to reconnect
	tcURL     string       // the server to reconnect to; "" means the same server
}

// observer returns an observer that notes BufferEmpty if pauses is set, and requests to reconnect if moves is set.
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

// interrupt sets the stream whose reads are interrupted.
func (h *heard) interrupt(s *rtmp.Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stream = s
}

// something reports whether take would return a request.
func (h *heard) something() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.empty || h.reconnect
}

// take returns and clears the requests. After that, a new request interrupts a read again.
func (h *heard) take(s *rtmp.Stream) (empty, reconnect bool, tcURL string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	empty, reconnect, tcURL = h.empty, h.reconnect, h.tcURL
	h.empty, h.reconnect = false, false
	s.SetReadDeadline(time.Time{})
	return empty, reconnect, tcURL
}
