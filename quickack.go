package rtmp

import (
	"net"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/internal/transport"
)

// quickAcks makes TCP acknowledge at once what a server sends while we connect and open a stream. Some servers, such as SRS, send small
// messages one by one and wait for each acknowledgement, which takes 40 ms if the client has nothing to send. Media does not need it,
// and would cost more system calls.
type quickAcks struct {
	ack  func() // nil if this is not supported
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

// stop is called when media arrives.
func (q *quickAcks) stop() {
	if q.left.Load() > 0 {
		q.left.Store(0)
	}
}
