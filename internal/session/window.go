package session

import (
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/message"
)

// window counts the bytes that the peer sends, and acknowledges them (RTMP 1.0 sections 5.4.3 to 5.4.5).
type window struct {
	replies *replies

	received uint64        // bytes received since the beginning of the handshake; owned by the holder of the token
	acked    uint64        // value of received at the last Acknowledgement; owned by the holder of the token
	size     atomic.Uint32 // the peer's Window Acknowledgement Size

	mu        sync.Mutex // guards announced
	announced uint32     // this end's window, as last sent
}

// count adds received bytes, and sends an Acknowledgement after each half of the window.
func (w *window) count(n int) {
	w.received += uint64(n)
	if w.received-w.acked >= uint64(w.size.Load())/2 {
		w.acked = w.received
		w.replies.acknowledge(w.received)
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
		w.size.Store(size)
	}
}
