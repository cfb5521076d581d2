package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/internal/observe"
	"github.com/go-librtmp/rtmp/internal/reconnect"
)

// toggleTimeout bounds the time for pausing and resuming.
const toggleTimeout = 10 * time.Second

// session plays the stream on one connection.
type session struct {
	conn         *rtmp.Conn
	stream       *rtmp.Stream
	heard        heard
	mediaTimeout time.Duration // rtmp.Options.MediaTimeout
	speed        bool          // answer BufferEmpty by pausing and resuming
	pauses       bool          // pausing works, as far as is known
	log          *slog.Logger

	woken    bool // the stream was paused because of silence, and nothing has arrived since
	toggled  bool // the stream was paused, and nothing has arrived since
	unpaused bool // the stream was paused, and paused has not reported that yet
}

// connect connects and plays from a position.
func (d *download) connect(ctx context.Context, from time.Duration) (player, error) {
	from = from.Truncate(time.Millisecond) // the precision of RTMP
	s := &session{log: d.log, mediaTimeout: d.o.RTMP.MediaTimeout, speed: !d.o.Realtime, pauses: !d.target.live}
	var observer observe.Observer
	if s.speed && s.pauses {
		observer.UserControl = s.heard.event
	}
	var moved func(*reconnect.Moved)
	if d.o.Recover != nil {
		moved = func(m *reconnect.Moved) { s.heard.note(func() { s.heard.moved = m }) }
	}
	var err error
	if s.conn, err = d.target.connect(observe.With(ctx, &observer), from, moved); err != nil {
		return nil, err
	}
	d.report(Progress{Phase: Connected})
	if s.stream, err = s.conn.CreateStream(ctx, &rtmp.StreamOptions{Seek: from, NoBufferUpdate: d.o.KeepBuffer}); err != nil {
		s.conn.Close()
		return nil, err
	}
	d.target.minded(s.conn.Stats().PipelineFallbacks)
	s.heard.interrupt(s.stream)
	return s, nil
}

func (s *session) close() { s.conn.Close() }

func (s *session) damaged() uint64 { return s.conn.Stats().LostMedia }

func (s *session) paused() bool {
	unpaused := s.unpaused
	s.unpaused = false
	return unpaused
}

// play implements player.
func (s *session) play(ctx context.Context, w io.Writer) error {
	defer s.stream.Bind(ctx)()
	for {
		empty, moved := s.obey()
		if moved == nil && empty && s.pauses && !s.toggled {
			moved = s.toggle(ctx)
		}
		if moved != nil {
			return moved
		}
		since := time.Now()
		n, err := s.stream.WriteTo(w)
		if n > 0 {
			s.woken, s.toggled = false, false
		}
		switch silent := errors.Is(err, os.ErrDeadlineExceeded) && !isWrite(err) && ctx.Err() == nil; {
		case !silent:
			if _, moved := s.obey(); moved != nil { // the server may have asked before it closed the connection
				return moved
			}
			return err
		case s.heard.something():
		case s.late(since):
			return fmt.Errorf("download: no message of the stream in %v: %w", s.mediaTimeout, err)
		case !s.pauses || s.woken:
			return err
		default:
			s.woken = true
			if lost := s.wake(ctx); lost != nil {
				return lost
			}
			if !s.pauses {
				return err
			}
		}
	}
}

// obey takes the server's requests. It returns an error if the server has asked the client to reconnect. empty reports whether the server
// has sent BufferEmpty.
func (s *session) obey() (empty bool, _ error) {
	empty, moved := s.heard.take(s.stream)
	if moved != nil {
		return empty, fmt.Errorf("download: %w", moved)
	}
	return empty, nil
}

// late reports whether a read that began at since has reached rtmp.Options.MediaTimeout.
func (s *session) late(since time.Time) bool {
	if last := s.conn.Stats().LastMedia; last.After(since) {
		since = last
	}
	return s.mediaTimeout > 0 && time.Since(since) >= s.mediaTimeout
}

// maxBuffer is the longest buffer length that is not negative as a signed 32-bit number, which some servers use.
const maxBuffer = (1<<31 - 1) * time.Millisecond

// wake tries to make a silent server continue. It first announces the longest possible buffer length, for servers that wait because the
// timestamps have jumped by more than the buffer. Then it pauses and resumes the stream, as rtmpdump does.
func (s *session) wake(ctx context.Context) error {
	if err := s.stream.UpdateBuffer(ctx, maxBuffer); err != nil {
		return err
	}
	return s.toggle(ctx)
}

// toggle pauses and resumes the stream. If the server does not comply, the stream is not paused again. The error is the connection's or
// ctx's.
func (s *session) toggle(ctx context.Context) error {
	s.unpaused, s.toggled = true, true
	limited, cancel := context.WithTimeout(ctx, toggleTimeout)
	defer cancel()
	err := s.stream.Pause(limited)
	if err == nil {
		err = s.stream.Unpause(limited)
	} else if s.conn.Err() == nil && ctx.Err() == nil {
		undo, cancel := context.WithTimeout(ctx, toggleTimeout/4) // the server may have paused without an answer
		defer cancel()
		s.stream.Unpause(undo)
	}
	if err == nil {
		return nil
	}
	s.pauses = false
	if lost := s.conn.Err(); lost != nil {
		return lost
	}
	if ctx.Err() != nil {
		return fmt.Errorf("download: %w", ctx.Err())
	}
	return nil
}
