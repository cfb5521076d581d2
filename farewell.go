package rtmp

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
	"github.com/go-librtmp/rtmp/message"
)

// farewellSize is less than the size of the last commands of a published stream, in bytes on the wire. If these commands have been sent and
// no more than farewellSize bytes are unacknowledged, all media has arrived.
const farewellSize = 64

// farewell is the state with which Close decides whether anything that was published was lost.
type farewell struct {
	underWay   sync.RWMutex // read-locked while a Stream is being closed; Close waits for it
	closing    atomic.Bool  // every Stream is closed, and the server may hang up
	published  atomic.Bool  // some Stream has published
	publishing atomic.Int32 // how many Streams may still have something to send
	unended    atomic.Int32 // how many published Streams have not sent their last commands
	cut        atomic.Bool  // the server hung up before it had acknowledged everything

	late atomic.Pointer[StatusError] // the first refusal of a published Stream that arrived after that Stream was closed
}

// statusReceived notes a status of a published Stream that is closed. A refusal means that the server may have dropped the last media, for
// instance because another publisher has taken over or the server shuts down.
func (f *farewell) statusReceived(status *StatusError) {
	if status.Refused() && (strings.HasPrefix(status.Code, "NetStream.Publish.") || strings.HasPrefix(status.Code, "NetStream.Record.") ||
		status.Code == message.CodeConnectAppShutdown) {
		f.late.CompareAndSwap(nil, status)
	}
}

// noteHangUp notes whether the server, which has just closed nc, had acknowledged everything. writing says that a write is in progress.
func (f *farewell) noteHangUp(nc net.Conn, writing bool) {
	if !f.published.Load() {
		return
	}
	commands := farewellSize
	if f.unended.Load() > 0 {
		commands = 0
	}
	f.cut.Store(writing || cutShort(nc, commands))
}

// outcome returns the error that the program sees when err ends the connection. If the server hangs up while Close waits for the server to
// hang up, the result is net.ErrClosed.
func (f *farewell) outcome(err error) error {
	if session.HungUp(err) && f.closing.Load() && f.publishing.Load() == 0 && !f.cut.Load() {
		return session.ErrClosed
	}
	return err
}

// cutShort reports whether the server has hung up without acknowledging everything but at most commands bytes. Linux may count bytes as
// unacknowledged for up to a millisecond after it has received the hang-up, so cutShort asks several times.
func cutShort(nc net.Conn, commands int) bool {
	const tries, pause = 20, time.Millisecond
	for range tries {
		if n, known := transport.Unacknowledged(nc); !known || n <= commands {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// lost returns err, which has ended the connection, if something that was published may not have arrived.
func (f *farewell) lost(err error) error {
	if !f.published.Load() || err == nil || err == session.ErrClosed {
		return nil
	}
	if session.HungUp(err) && f.publishing.Load() == 0 && !f.cut.Load() {
		return nil
	}
	return err
}
