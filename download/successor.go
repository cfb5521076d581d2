package download

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// successor is the next session of a live stream whose server has asked to reconnect.
type successor struct {
	*reconnect.Successor[*session]

	mu    sync.Mutex // guards the rest
	to    *target    // where the next attempt connects to
	asked string     // URL of the old server's latest request
}

// successor returns a successor that has not begun.
func (d *download) successor(moved *reconnect.Moved) *successor {
	return &successor{to: d.target.moved(moved), asked: moved.URL}
}

// succeed begins to connect to the server that moved names. When the session plays, it calls ready.
func (d *download) succeed(ctx context.Context, moved *reconnect.Moved, ready func()) *successor {
	n, video := d.successor(moved), d.out.tail.video.seen
	n.Successor = reconnect.Succeed(ctx, 0, d.o.Recover.Delay, d.o.Recover.MaxDelay, func(ctx context.Context) (*session, bool) {
		to := n.target()
		s, err := d.dial(ctx, to, 0, func() {})
		if err != nil {
			return nil, false
		}
		if s.begin(ctx, video) == nil {
			return s, true
		}
		if _, again := s.requests.take(s.stream); again != nil {
			n.redirect(to, again)
		}
		return nil, false
	}, ready)
	return n
}

func (n *successor) target() *target {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.to
}

// redirect makes the next attempts connect to the server that moved names. from is where the attempt connects to whose server has asked, or
// nil for the old server, which prevails. redirect reports whether that is another server than before: servers repeat requests.
func (n *successor) redirect(from *target, moved *reconnect.Moved) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case from != nil && from != n.to: // the old server has asked again meanwhile
		return false
	case from == nil && moved.URL == n.asked: // perhaps another server has led on from there
		return false
	case from == nil:
		n.asked = moved.URL
	}
	if moved.URL == n.to.url {
		return false
	}
	n.to = n.to.moved(moved)
	return true
}

// begin waits for media with which the file can be continued. If there is an error, begin closes the session.
func (s *session) begin(ctx context.Context, video bool) error {
	defer s.stream.Bind(ctx)()
	var first bytes.Buffer
	if err := reconnect.Begin(flv.NewReader(io.TeeReader(s.stream, &first)).Next, video); err != nil {
		s.close()
		return err
	}
	s.first = first.Bytes()
	return nil
}
