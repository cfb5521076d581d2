package rtmp

import (
	"context"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// lingerPoll is how often a Close that lingers looks at what the server has acknowledged: no event announces it.
const lingerPoll = 10 * time.Millisecond

// sayGoodbye sends the last messages, and waits until all that was published has arrived.
func (l *link) sayGoodbye(last []chunk.Outgoing) {
	l.farewell.underWay.Lock() // what other Streams have to say comes first
	l.farewell.closing.Store(true)
	l.farewell.underWay.Unlock()
	l.session.Leaving()
	published, timeout := l.farewell.published.Load(), closeTimeout
	if published {
		if timeout = l.opts.Timeout; timeout <= 0 {
			timeout = defaultTimeout
		}
	}
	deadline := time.Now().Add(timeout)
	if len(last) > 0 {
		l.session.SendBy(deadline, last...)
	}
	if published && l.Err() == nil {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		l.linger(ctx)
	}
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
		// Not with ctx: of the two errors at its end, the one above says what has happened.
		if k, err := l.send(context.Background(), CallOptions{}, "createStream", nil); err == nil {
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
