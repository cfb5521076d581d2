package rtmp

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// farewellSize is less than what a published stream's last commands take, in bytes on the wire: when no more than this is
// unacknowledged, all media has arrived.
const farewellSize = 64

// farewell is what Close has to know to tell whether something that was published got lost.
type farewell struct {
	underWay   sync.RWMutex // read-locked while a Stream is being closed: Close waits for that
	closing    atomic.Bool  // every Stream is closed, and the server may hang up
	published  atomic.Bool  // some Stream has published
	publishing atomic.Int32 // the Streams of which something may still have to be sent
	cut        atomic.Bool  // the server hung up before it had acknowledged everything
}

// outcome is what err, with which the connection on nc ends, means to the program: a server that hangs up when Close waits for
// just that has not broken anything.
func (f *farewell) outcome(err error, nc net.Conn) error {
	if !session.HungUp(err) {
		return err
	}
	if f.published.Load() {
		f.cut.Store(cutShort(nc))
	}
	if f.closing.Load() && !f.cut.Load() {
		return session.ErrClosed
	}
	return err
}

// cutShort reports whether the server, which has hung up, has not acknowledged everything. The system was seen to count bytes for
// up to a millisecond after their acknowledgement and the hang-up have been received, so it is asked again before it is believed.
func cutShort(nc net.Conn) bool {
	const tries, pause = 20, time.Millisecond
	for range tries {
		if n, known := transport.Unacknowledged(nc); !known || n <= farewellSize {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// lost returns the error that the connection has ended with, if something published may not have arrived for it.
func (f *farewell) lost(err error) error {
	if !f.published.Load() || err == nil || err == session.ErrClosed {
		return nil
	}
	if session.HungUp(err) && f.publishing.Load() == 0 && !f.cut.Load() {
		return nil
	}
	return err
}
