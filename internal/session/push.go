package session

import (
	"net"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// Pushed bytes are encoded once and sent on many connections, such as those of the viewers of a live stream. They are chunks with full
// headers (format 0), on chunk streams that carry nothing else, so that the chunk writer does not need to see them.
const (
	chunkStreamPushed      = 5 // audio and data
	chunkStreamPushedVideo = 7
)

// PushedHeader returns the header of a pushed message of size bytes.
func PushedHeader(t message.Type, streamID, timestamp uint32, size int) chunk.Header {
	h := chunk.Header{ChunkStreamID: chunkStreamPushed, StreamID: streamID, Timestamp: timestamp, Length: size, Type: uint8(t)}
	if t == message.TypeVideo {
		h.ChunkStreamID = chunkStreamPushedVideo
	}
	return h
}

// IsPushed reports whether a chunk stream carries pushed bytes.
func IsPushed(chunkStreamID uint32) bool {
	return chunkStreamID == chunkStreamPushed || chunkStreamID == chunkStreamPushedVideo
}

// TryWritev writes the replies and b as far as the socket accepts them without blocking, unless another write is in progress. The next
// write sends what is left. Until everything has been written, the buffers must not change, since TryWritev does not copy them.
//
// ok is false if nothing was accepted, because another write is in progress or was not completed, the Session has ended, or the connection
// is not a plain socket. Use Writev in that case. ready is true if everything has been written.
func (w *writer) TryWritev(b [][]byte) (ok, ready bool) {
	if !w.acquireNow() {
		return false, false
	}
	defer w.release()
	if w.replies.urgent.Load() && !w.writeNow() {
		return false, false
	}
	n := w.try.writev(b)
	w.counters.BytesWritten.Add(uint64(n))
	for ; len(b) > 0; b = b[1:] {
		if n < len(b[0]) {
			w.rest = append(append(w.rest, b[0][n:]), b[1:]...)
			return true, false
		}
		n -= len(b[0])
	}
	return true, true
}

// Writev writes three things in this order: what earlier writes have left unsent, the replies, and b, which may be empty. It may set the
// elements of b to nil. An error ends the Session.
func (w *writer) Writev(b [][]byte) error {
	if err := w.acquire(purpose{}); err != nil {
		return err
	}
	defer w.release()
	all := net.Buffers(w.rest)
	w.rest = nil
	w.startWrite()
	if _, plain := w.life.nc.(*net.TCPConn); !plain { // joined, to need a single TLS record or piece of ciphertext
		w.buf = appendAll(w.buf, b)
		return w.failIf(w.flush(purpose{}, 0))
	}
	if len(w.buf) > 0 {
		all = append(all, w.buf)
	}
	if len(all) == 0 {
		all = b // the usual case, in which nothing is allocated
	} else {
		all = append(all, b...)
	}
	w.err = w.repeatWrite(purpose{}, func() (int, error) {
		n, err := all.WriteTo(w.life.nc)
		return int(n), err
	})
	w.posted = false // an error ends the Session
	w.empty(0)
	return w.failIf(w.err)
}

// failIf ends the Session with err, unless err is nil. It returns the Session's error.
func (w *writer) failIf(err error) error {
	if err != nil {
		return w.fail(err)
	}
	return nil
}
