package download

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

const (
	// minOverlap is how much media begin reads after the first, in ms. Meanwhile, what the old server has sent before that arrives.
	minOverlap = 500
	// maxFirst bounds what begin reads, in bytes.
	maxFirst = 32 << 20
)

// successor is the next session of a live stream whose server has asked to reconnect. It is made while the old session is still being
// read, which ends when the new one can continue the file, so that nothing is missing in between.
type successor struct {
	cancel  context.CancelFunc
	done    chan struct{} // closed when the goroutine has ended
	session *session      // may be used when done is closed; nil if there is none

	mu     sync.Mutex // guards the fields below
	to     *target
	giveUp context.CancelFunc // ends the attempt in progress
}

// succeed begins to connect to the server that moved names. It tries again until take is called. When the session plays, it calls ready.
func (d *download) succeed(ctx context.Context, moved *reconnect.Moved, ready func()) *successor {
	ctx, cancel := context.WithCancel(ctx)
	n := &successor{cancel: cancel, done: make(chan struct{}), to: d.target.moved(moved)}
	video := d.out.tail.video.seen
	go func() {
		defer func() {
			if close(n.done); n.session != nil {
				ready()
			}
		}()
		for failed := 0; ; failed++ {
			if n.session = n.attempt(ctx, d, video); n.session != nil {
				return
			}
			if reconnect.Sleep(ctx, reconnect.Delay(d.o.Recover.Delay, d.o.Recover.MaxDelay, failed)) != nil {
				return
			}
		}
	}()
	return n
}

// attempt connects once, and returns a session that plays, or nil.
func (n *successor) attempt(ctx context.Context, d *download, video bool) *session {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	n.mu.Lock()
	to := n.to
	n.giveUp = giveUp
	n.mu.Unlock()
	s, err := d.dial(ctx, to, 0, func() {})
	if err != nil {
		return nil
	}
	if s.begin(ctx, video) == nil {
		return s
	}
	if _, again := s.requests.take(s.stream); again != nil {
		n.redirect(to, again)
	}
	return nil
}

// redirect makes the next attempts connect to the server that moved names, if from is where the present ones connect to; a nil from is any.
// It ends the attempt in progress, unless that is with this server already: servers repeat requests. Further attempts wait longer and longer,
// however often the server asks.
func (n *successor) redirect(from *target, moved *reconnect.Moved) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if moved.URL == n.to.url || from != nil && from != n.to { // in the second case, the old server has asked again meanwhile
		return
	}
	n.to = n.to.moved(moved)
	if n.giveUp != nil {
		n.giveUp()
	}
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

// begin waits for media with which the file can be continued: a key frame, if it has video. Servers may send headers and audio long before
// that. If there is an error, begin closes the session.
func (s *session) begin(ctx context.Context, video bool) error {
	defer s.stream.Bind(ctx)()
	var first bytes.Buffer
	tags := flv.NewReader(io.TeeReader(s.stream, &first))
	var tag flv.Tag
	found, at := false, uint32(0) // a tag at which the file can be continued
	for first.Len() < maxFirst && !(found && int32(tag.Timestamp-at) >= minOverlap) {
		if err := tags.Next(&tag); found && err != nil {
			break // read returns the error again
		} else if err != nil {
			s.close()
			return err
		}
		if kind := kindOf(tag); !found && (kind == flv.KindKeyFrame || !video && isFrame(kind)) {
			found, at = true, tag.Timestamp
		}
	}
	s.first = first.Bytes()
	return nil
}
