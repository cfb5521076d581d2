package rtmp

import (
	"net"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/internal/transport"
)

// quickAcks acknowledge at once what a server sends while we connect and open a stream. Some, SRS for one, send small messages
// one by one, of which each waits for the acknowledgement of the one before: that of a client that has nothing to say takes
// 40 ms. Media does not need it, and has no system call to spare.
type quickAcks struct {
	ack  func() // nil: can't be had
	left atomic.Int32
}

func (q *quickAcks) init(nc net.Conn) {
	q.ack = transport.QuickAck(nc)
	q.left.Store(0)
	if q.ack != nil {
		q.left.Store(maxQuickAcks)
	}
}

// arm is called before each read of the socket.
func (q *quickAcks) arm() {
	if q.left.Load() > 0 {
		q.left.Add(-1)
		q.ack()
	}
}

// stop is called when media comes.
func (q *quickAcks) stop() {
	if q.left.Load() > 0 {
		q.left.Store(0)
	}
}
