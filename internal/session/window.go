package session

import (
	"sync"

	"github.com/go-librtmp/rtmp/message"
)

// window counts the bytes that the peer sends, and acknowledges them (RTMP 1.0 sections 5.4.3 to 5.4.5).
type window struct {
	replies *replies

	mu        sync.Mutex // guards the fields below
	received  uint64     // bytes received since the beginning of the handshake
	acked     uint64     // value of received at the last Acknowledgement
	size      uint32     // the peer's Window Acknowledgement Size
	announced uint32     // this end's window, as last sent
}

// count adds received bytes, and sends an Acknowledgement after each half of the window.
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

// obey applies a Window Acknowledgement Size or a Set Peer Bandwidth.
func (w *window) obey(t message.Type, size uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case t == message.TypeSetPeerBandwidth && size != w.announced:
		w.announced = size
		w.replies.announceWindow(size)
	case t == message.TypeWindowAckSize && size > 0: // a window of 0, which some peers send, is ignored: it can't mean an acknowledgement for every byte
		w.size = size
	}
}
