package rtmp

import (
	"net"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/internal/transport"
)

// quickAcks makes TCP acknowledge received bytes at once while a client connects and opens a stream. Some servers, such as SRS, send small
// messages one by one and wait for each acknowledgement, which TCP delays by 40 ms if the client has nothing to send. What the client writes
// contains an acknowledgement, so only a read that follows another read needs a quick one. Quick acknowledgements end when media arrives:
// they cost a system call for each read, and media does not need them.
type quickAcks struct {
	ack     func() // nil if the system or the connection does not support quick acknowledgements
	written uint64 // as of the last read; owned by the goroutine that reads
	left    atomic.Int32
}

func (q *quickAcks) init(nc net.Conn) {
	q.ack = transport.QuickAck(nc)
	q.left.Store(0)
	if q.ack != nil {
		q.left.Store(maxQuickAcks)
	}
}

// arm is called before each read of the socket, until it returns false because quick acknowledgements have ended. written is the number of
// bytes that have been written; arm only uses whether it changes.
func (q *quickAcks) arm(written uint64) bool {
	switch {
	case q.left.Load() <= 0:
		return false
	case q.written != written:
		q.written = written
	default:
		q.left.Add(-1)
		q.ack()
	}
	return true
}

// stop is called when media arrives.
func (q *quickAcks) stop() {
	if q.left.Load() > 0 {
		q.left.Store(0)
	}
}
