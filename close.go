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
	once sync.Once
	err  error // what Close returns; written by once

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

// Close ends the session: every waiting call returns, every goroutine of the Conn is joined but for a handler that is in
// the program's own code (its context has ended then). It may be called from anywhere, a handler included, any number of
// times: further calls wait for the first and return its error.
//
// It returns within a second, but after publishing: then it closes the open streams, tells the server that nothing more
// will come and waits until that has read everything and hung up. A server that does not hang up is given a second from when
// it has acknowledged everything and is no longer seen to read. Close waits for Options.Timeout at most.
//
// The error says that something published may not have arrived, also where the connection had died before; it is then that
// of Conn.Err. Everything else is no error of Close. What has arrived is known from TCP on Linux and macOS, and elsewhere, through a
// proxy, or with Options.DialContext, from the server's answer to a last question; there, a server that hangs up in the orderly way
// without answering is believed to have read everything.
func (c *Conn) Close() error {
	c.farewell.once.Do(func() { c.farewell.err = c.close() })
	return c.farewell.err
}

func (c *Conn) close() error {
	var refused error
	if c.Connected() {
		refused = c.sayGoodbye()
	}
	c.fail(session.ErrClosed)
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s != nil {
		s.Close()
	}
	c.owned.Wait()
	if lost := c.farewell.lost(c.Err()); lost != nil {
		return lost
	}
	return refused
}

// sayGoodbye deletes the open streams, as librtmp does. The error is what the server has refused of them.
func (c *Conn) sayGoodbye() (refused error) {
	var last []chunk.Outgoing
	for _, s := range c.streams.all() {
		if s.options.Writable {
			if err := s.Close(); c.Err() == nil {
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
	c.farewell.underWay.Lock() // what other Streams have to say comes first
	c.farewell.closing.Store(true)
	c.farewell.underWay.Unlock()
	c.session.Leaving()
	published, timeout := c.farewell.published.Load(), closeTimeout
	if published {
		if timeout = c.opts.Timeout; timeout <= 0 {
			timeout = defaultTimeout
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if len(last) > 0 {
		c.session.Send(ctx, last...)
	}
	if published && c.Err() == nil {
		c.linger(ctx)
	}
	return refused
}

// linger ends a connection that has published so that nothing of it is lost: closing a socket with unread data in it is
// a reset, which makes the server drop what it has not read yet. So the write side is shut where that can be done, and what
// the server still sends is read, until it hangs up, or has had lingerGrace for it since it is known to have everything.
// Where the socket can't be asked about that, the server is asked for something that all know: when it answers, it has
// read everything. A server that goes on acknowledging is still reading.
func (c *Conn) linger(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { // ends a write, too
		c.session.Fail(&session.TimeoutError{What: "close: the server has not taken everything that was published"})
	})
	defer stop()
	var answered <-chan struct{}
	if _, known := c.unacknowledged(); !known {
		if k, err := c.Call(ctx, "createStream"); err == nil {
			answered = k.call.Done()
		}
	}
	half := c.session.CloseWrite(ctx)
	tick := time.NewTicker(lingerPoll)
	defer tick.Stop()
	arrived, acknowledgements := false, c.counts.Acknowledgements.Load()
	for quiet := time.Duration(0); quiet < lingerGrace; { // in ticks, of which a busy machine makes fewer
		select {
		case <-c.session.Done():
			return
		case <-answered:
			if answered, arrived, quiet = nil, true, 0; !half {
				return
			}
		case <-tick.C:
			quiet += lingerPoll
			n, known := c.unacknowledged()
			if more := c.counts.Acknowledgements.Load(); !arrived && (!known || n > farewellSize || more != acknowledgements) {
				quiet, acknowledgements = 0, more
			}
		}
	}
}

// unacknowledged is what the server's TCP has not acknowledged yet, in bytes, if that can be asked: of a proxy's it would say
// nothing about the server.
func (c *Conn) unacknowledged() (n int, known bool) {
	if c.relayed {
		return 0, false
	}
	return transport.Unacknowledged(c.client.nc)
}
