package download

import (
	"context"

	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// successor is the next session of a live stream whose server has asked to reconnect. It is made while the old session is still being
// read, which ends when media has arrived on the new one, so that nothing is missing in between.
type successor struct {
	cancel  context.CancelFunc
	done    chan struct{} // closed when the goroutine has ended
	session *session      // may be used when done is closed; nil if there is none
}

// succeed begins to connect to the server that moved names. It tries again until take is called. When the session plays, it calls ready.
func (d *download) succeed(ctx context.Context, moved *reconnect.Moved, ready func()) *successor {
	ctx, cancel := context.WithCancel(ctx)
	n := &successor{cancel: cancel, done: make(chan struct{})}
	to := d.target.moved(moved)
	go func() {
		defer func() {
			if close(n.done); n.session != nil {
				ready()
			}
		}()
		for failed := 0; n.session == nil; failed++ {
			if s, err := d.dial(ctx, to, 0, func() {}); err == nil && s.begin(ctx) == nil {
				n.session = s
			} else if reconnect.Sleep(ctx, reconnect.Delay(d.o.Recover.Delay, d.o.Recover.MaxDelay, failed)) != nil {
				return
			}
		}
	}()
	return n
}

func (n *successor) plays() bool {
	select {
	case <-n.done:
		return n.session != nil
	default:
		return false
	}
}

// take returns the session, which the caller must close, or nil if it does not play yet.
func (n *successor) take() *session {
	n.cancel()
	<-n.done
	return n.session
}

// begin waits for the first media. If there is an error, it closes the session.
func (s *session) begin(ctx context.Context) error {
	defer s.stream.Bind(ctx)()
	s.first = make([]byte, 4096)
	n, err := s.stream.Read(s.first)
	if s.first = s.first[:n]; err != nil {
		s.close()
	}
	return err
}
