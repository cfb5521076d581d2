package download

import (
	"bytes"
	"context"
	"io"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// successor is the next session of a live stream whose server has asked to reconnect.
type successor = reconnect.Successor[*session]

// succeed begins to connect to the server that moved names. When the session plays, it calls ready.
func (d *download) succeed(ctx context.Context, moved *reconnect.Moved, ready func()) *successor {
	to, video := d.target.moved(moved), d.out.tail.video.seen
	return reconnect.Succeed(ctx, 0, d.o.Recover.Delay, d.o.Recover.MaxDelay, func(ctx context.Context) (*session, bool) {
		s, err := d.dial(ctx, to, 0, func() {})
		if err != nil {
			return nil, false
		}
		if s.begin(ctx, video) == nil {
			return s, true
		}
		if _, again := s.requests.take(s.stream); again != nil {
			to = to.moved(again)
		}
		return nil, false
	}, ready)
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
