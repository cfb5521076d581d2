package rtmp

import (
	"context"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/internal/transport"
)

// lingerPoll is how often a lingering Close checks what the server's TCP has acknowledged. The system has no event for an acknowledgement.
const lingerPoll = 10 * time.Millisecond

// sayGoodbye sends the last messages, and waits until the server has received everything that was published.
func (l *link) sayGoodbye(last []chunk.Outgoing) {
	l.farewell.underWay.Lock() // wait for Streams that are being closed
	l.farewell.closing.Store(true)
	l.farewell.underWay.Unlock()
	l.session.Leaving()
	published, timeout := l.farewell.published.Load(), closeTimeout
	if published {
		timeout = l.boundedTimeout()
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

// linger ends a connection that has published, so that nothing is lost. Closing a socket with unread data resets the connection, and the
// server then drops the bytes that it has not read yet. So linger closes the write side if possible, and reads until the server hangs up,
// or until lingerGrace after the server has received everything.
//
// If the socket does not report which bytes have arrived, linger sends createStream. All servers answer it, and the answer shows that the
// server has read everything before it. linger closes the write side of a tunnel only after that answer: a tunnel that has ended does not
// show that the RTMP server has read everything, since an HTTP server at its other end may have ended it. RTMP Acknowledgements show that
// the server is still reading, so linger keeps waiting while they arrive.
func (l *link) linger(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { // this also ends a write in progress
		l.session.Fail(&session.TimeoutError{What: "close: the server has not read everything that was published"})
	})
	defer stop()
	var answered <-chan struct{}
	if _, known := l.unacknowledged(); !known {
		// The call does not use ctx: when ctx is done, the function above ends the connection with an error that says what has happened.
		if k, err := l.send(context.Background(), CallOptions{}, "createStream", nil); err == nil {
			answered = k.call.Done()
		}
	}
	tunnel := l.url.Transport().Tunnel
	half := !tunnel && l.session.CloseWrite(ctx)
	tick := time.NewTicker(lingerPoll)
	defer tick.Stop()
	s := silence{acknowledgements: l.counts.Acknowledgements.Load()}
	for s.lasted < lingerGrace {
		select {
		case <-l.session.Done():
			return
		case <-answered:
			answered = nil
			s.arrived, s.lasted = true, 0
			if half = half || tunnel && l.session.CloseWrite(ctx); !half {
				return
			}
		case <-tick.C:
			n, known := l.unacknowledged()
			s.tick(n, known, l.counts.Acknowledgements.Load())
		}
	}
}

// silence is the time for which a lingering Close has seen no sign that the server is still reading.
type silence struct {
	lasted           time.Duration // counted in ticks, so that a busy machine waits longer
	arrived          bool          // the server has read everything
	acknowledgements uint64        // Acknowledgements received until the last tick
}

// tick is called every lingerPoll. unacknowledged and known are the results of link.unacknowledged.
func (s *silence) tick(unacknowledged int, known bool, acknowledgements uint64) {
	s.lasted += lingerPoll
	if !s.arrived && (!known || unacknowledged > farewellSize || acknowledgements != s.acknowledgements) {
		s.lasted = 0
	}
	s.acknowledgements = acknowledgements
}

// unacknowledged returns how many bytes the server's TCP has not acknowledged, if that number is known. It is unknown through a proxy or a
// tunnel, where another machine may acknowledge the bytes.
func (l *link) unacknowledged() (n int, known bool) {
	if l.relayed {
		return 0, false
	}
	return transport.Unacknowledged(l.nc)
}
