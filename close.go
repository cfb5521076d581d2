package rtmp

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
)

const (
	// closeTimeout bounds what Close says to the server before it hangs up.
	closeTimeout = 250 * time.Millisecond
	// lingerGrace is how long a server that has everything may take to hang up. Some never do.
	lingerGrace = time.Second
	// lingerPoll is how often a Close that lingers looks at what the server has acknowledged: there is no event to wait for.
	lingerPoll = 10 * time.Millisecond
	// farewellSize is less than what a published stream's last commands take, in bytes on the wire: when no more than this is
	// unacknowledged, all media has arrived.
	farewellSize = 64
)

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

// sayGoodbye deletes the open streams, as librtmp does. The error is what the server has refused of them.
func (k *client) sayGoodbye() (refused error) {
	var last []chunk.Outgoing
	for _, s := range k.streams.all() {
		if s.options.Writable {
			if err := s.Close(); k.Err() == nil {
				refused = errors.Join(refused, err)
			}
			continue
		}
		if o, err := s.farewell(); err == nil {
			last = append(last, o...)
		}
		s.markClosed() // nobody will read what is queued, and the reader is not to wait for that
		s.backlog.Queued(0)
	}
	k.farewell.underWay.Lock() // what other Streams have to say comes first
	k.farewell.closing.Store(true)
	k.farewell.underWay.Unlock()
	k.session.Leaving()
	published, timeout := k.farewell.published.Load(), closeTimeout
	if published {
		if timeout = k.opts.Timeout; timeout <= 0 {
			timeout = defaultTimeout
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if len(last) > 0 {
		k.session.Send(ctx, last...)
	}
	if published && k.Err() == nil {
		k.linger(ctx)
	}
	return refused
}

// linger ends a connection that has published so that nothing of it is lost: closing a socket with unread data in it is
// a reset, which makes the server drop what it has not read yet. So the write side is shut where that can be done, and what
// the server still sends is read, until it hangs up, or has had lingerGrace for it since it is known to have everything.
// Where the socket can't be asked about that, the server is asked for something that all know: when it answers, it has
// read everything. A server that goes on acknowledging is still reading.
func (l *link) linger(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { // ends a write, too
		l.session.Fail(&session.TimeoutError{What: "close: the server has not taken everything that was published"})
	})
	defer stop()
	var answered <-chan struct{}
	if _, known := l.unacknowledged(); !known {
		if k, err := l.send(ctx, CallOptions{}, "createStream", nil); err == nil {
			answered = k.call.Done()
		}
	}
	half := l.session.CloseWrite(ctx)
	tick := time.NewTicker(lingerPoll)
	defer tick.Stop()
	arrived, acknowledgements := false, l.counts.Acknowledgements.Load()
	for quiet := time.Duration(0); quiet < lingerGrace; { // in ticks, of which a busy machine makes fewer
		select {
		case <-l.session.Done():
			return
		case <-answered:
			if answered, arrived, quiet = nil, true, 0; !half {
				return
			}
		case <-tick.C:
			quiet += lingerPoll
			n, known := l.unacknowledged()
			if more := l.counts.Acknowledgements.Load(); !arrived && (!known || n > farewellSize || more != acknowledgements) {
				quiet, acknowledgements = 0, more
			}
		}
	}
}

// unacknowledged is what the server's TCP has not acknowledged yet, in bytes, if that can be asked: of a proxy's it would say
// nothing about the server.
func (l *link) unacknowledged() (n int, known bool) {
	if l.relayed {
		return 0, false
	}
	return transport.Unacknowledged(l.nc)
}
