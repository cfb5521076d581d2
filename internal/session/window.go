package session

import (
	"sync"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// window counts what the peer sends, and acknowledges it (RTMP 1.0 section 5.4.3 to 5.4.5).
type window struct {
	replies *replies

	mu        sync.Mutex // guards the rest
	received  uint64     // bytes since the first of the handshake
	acked     uint64     // received at the last Acknowledgement
	size      uint32     // the peer's Window Acknowledgement Size
	announced uint32     // ours, as last sent
}

// count adds received bytes and leaves an Acknowledgement whenever half the window is full.
func (w *window) count(n int) {
	w.mu.Lock()
	w.received += uint64(n)
	received, due := w.received, w.received-w.acked >= uint64(w.size)/2
	if due {
		w.acked = received
	}
	w.mu.Unlock()
	if due {
		w.replies.acknowledge(received)
	}
}

// obey takes a Window Acknowledgement Size, and answers a Set Peer Bandwidth.
func (w *window) obey(t message.Type, size uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case t == message.TypeSetPeerBandwidth && size != w.announced:
		w.announced = size
		w.replies.announceWindow(size)
	case t == message.TypeWindowAckSize && size > 0: // 0 has been seen; an acknowledgement for every byte can't be meant
		w.size = size
	}
}

// EchoWindow leaves a Window Acknowledgement Size that is the peer's own, unless an answer to Set Peer Bandwidth has said the
// same before.
func (r *reader) EchoWindow() {
	w := &r.window
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.size != w.announced {
		w.announced = w.size
		w.replies.announceWindow(w.size)
	}
}

// Tolerated counts what was wrong on the wire and read all the same. It must not be called in a dispatch.
func (r *reader) Tolerated() chunk.Tolerated {
	r.dispatching.Lock()
	defer r.dispatching.Unlock()
	return r.in.Tolerated()
}

// Acknowledged is the sequence number of the peer's last Acknowledgement, in bytes modulo 2^32.
func (r *reader) Acknowledged() uint32 { return r.acknowledged.Load() }
