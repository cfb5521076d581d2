package rtmp

import (
	"net"
	"sync"
	"sync/atomic"

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
		n, known := transport.Unacknowledged(nc)
		f.cut.Store(known && n > farewellSize)
	}
	if f.closing.Load() && !f.cut.Load() {
		return session.ErrClosed
	}
	return err
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
