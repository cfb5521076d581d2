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

const pauseTimeout = 10 * time.Second

type session struct {
	conn              *rtmp.Conn
	stream            *rtmp.Stream
	requests          requests
	mediaTimeout      time.Duration // rtmp.Options.MediaTimeout
	answerBufferEmpty bool          // answer BufferEmpty by pausing and resuming
	canPause          bool          // pausing works, as far as is known
	log               *slog.Logger

	first   []byte                                                   // what begin has read
	succeed func(ctx context.Context, m *reconnect.Moved) *successor // nil if the session ends when the server asks to reconnect
	next    *successor                                               // nil if the server has not asked
	moved   error                                                    // the request for which next was made

	woken           bool // the stream was paused because of silence, and nothing has arrived since
	pausedForBuffer bool // the stream was paused, and nothing has arrived since
	unpaused        bool // the stream was paused, and paused has not reported that yet
}

func (d *download) connect(ctx context.Context, from time.Duration) (player, error) {
	var s *session
	if d.next != nil {
		s, _ = d.next.Take()
		d.next = nil
	}
	connected := func() { d.report(Progress{Phase: Connected}) }
	if s != nil {
		connected()
	} else {
		var err error
		if s, err = d.dial(ctx, d.target, from, connected); err != nil {
			return nil, err
		}
		d.target.reducePipelining(s.conn.Stats().PipelineFallbacks)
	}
	if d.o.Recover != nil && d.target.options.Live {
		s.succeed = func(ctx context.Context, m *reconnect.Moved) *successor {
			d.next = d.succeed(ctx, m, func() { s.requests.record(func() { s.requests.ready = true }) })
			return d.next
		}
	}
	return s, nil
}

// dial connects, calls connected, and opens the stream.
func (d *download) dial(ctx context.Context, to *target, from time.Duration, connected func()) (*session, error) {
	from = from.Truncate(time.Millisecond) // the precision of RTMP
	s := &session{log: d.log, mediaTimeout: d.o.RTMP.MediaTimeout, answerBufferEmpty: !d.o.Realtime, canPause: !to.options.Live}
	var observer observe.Observer
	if s.answerBufferEmpty && s.canPause {
		observer.UserControl = s.requests.userControl
	}
	var moved func(*reconnect.Moved)
	if d.o.Recover != nil {
		moved = func(m *reconnect.Moved) { s.requests.record(func() { s.requests.moved = m }) }
	}
	var err error
	if s.conn, err = to.connect(observe.With(ctx, &observer), from, moved); err != nil {
		return nil, err
	}
	connected()
	if s.stream, err = s.conn.CreateStream(ctx, &rtmp.StreamOptions{Seek: from, NoBufferUpdate: d.o.KeepBuffer}); err != nil {
		s.conn.Close()
		return nil, err
	}
	s.requests.interrupt(s.stream)
	return s, nil
}

func (s *session) close() { s.conn.Close() }

func (s *session) damaged() uint64 { return s.conn.Stats().LostMedia }

func (s *session) paused() bool {
	unpaused := s.unpaused
	s.unpaused = false
	return unpaused
}

func (s *session) play(ctx context.Context, w io.Writer) error {
	err := s.read(ctx, w)
	if s.moved != nil && !isWrite(err) && ctx.Err() == nil {
		return s.moved
	}
	return err
}

func (s *session) read(ctx context.Context, w io.Writer) error {
	defer s.stream.Bind(ctx)()
	if len(s.first) > 0 {
		if _, err := w.Write(s.first); err != nil {
			return err
		}
		s.first = nil
	}
	for {
		empty, moved := s.takeRequests()
		var to *reconnect.Moved
		if s.succeed != nil && errors.As(moved, &to) {
			if s.next == nil {
				s.next = s.succeed(ctx, to)
			} else if s.next.redirect(nil, to) {
				s.next.Retry()
			}
			s.moved, moved = moved, nil
		}
		if s.next != nil && s.next.Ready() {
			return s.moved
		}
		if moved == nil && empty && s.canPause && !s.pausedForBuffer {
			moved = s.pauseAndResume(ctx)
		}
		if moved != nil {
			return moved
		}
		since := time.Now()
		n, err := s.stream.WriteTo(w)
		if n > 0 {
			s.woken, s.pausedForBuffer = false, false
		}
		switch silent := errors.Is(err, os.ErrDeadlineExceeded) && !isWrite(err) && ctx.Err() == nil; {
		case !silent:
			if _, moved := s.takeRequests(); moved != nil { // the server may have asked before it closed the connection
				return moved
			}
			return err
		case s.requests.pending():
		case s.mediaTimedOut(since):
			return fmt.Errorf("download: no message of the stream in %v: %w", s.mediaTimeout, err)
		case !s.canPause || s.woken:
			return err
		default:
			s.woken = true
			if lost := s.wake(ctx); lost != nil {
				return lost
			}
			if !s.canPause {
				return err
			}
		}
	}
}

// takeRequests returns an error if the server has asked the client to reconnect. empty reports whether the server has sent BufferEmpty.
func (s *session) takeRequests() (empty bool, _ error) {
	empty, moved := s.requests.take(s.stream)
	if moved != nil {
		return empty, fmt.Errorf("download: %w", moved)
	}
	return empty, nil
}

// mediaTimedOut reports whether a read that began at since has reached rtmp.Options.MediaTimeout.
func (s *session) mediaTimedOut(since time.Time) bool {
	if last := s.conn.Stats().LastMedia; last.After(since) {
		since = last
	}
	return s.mediaTimeout > 0 && time.Since(since) >= s.mediaTimeout
}

// maxBuffer is the longest buffer length that fits in the signed 32-bit number that some servers use.
const maxBuffer = (1<<31 - 1) * time.Millisecond

// wake tries to make a silent server continue. It first announces the longest possible buffer length, since the timestamps may have jumped
// by more than the buffer. Then it pauses and resumes the stream, as rtmpdump does.
func (s *session) wake(ctx context.Context) error {
	if err := s.stream.UpdateBuffer(ctx, maxBuffer); err != nil {
		return err
	}
	return s.pauseAndResume(ctx)
}

// pauseAndResume pauses and resumes the stream. If the server does not comply, it clears canPause. The error is the connection's or ctx's.
func (s *session) pauseAndResume(ctx context.Context) error {
	s.unpaused, s.pausedForBuffer = true, true
	limited, cancel := context.WithTimeout(ctx, pauseTimeout)
	defer cancel()
	err := s.stream.Pause(limited)
	if err == nil {
		err = s.stream.Unpause(limited)
	} else if s.conn.Err() == nil && ctx.Err() == nil {
		undo, cancel := context.WithTimeout(ctx, pauseTimeout/4) // the server may have paused without an answer
		defer cancel()
		s.stream.Unpause(undo)
	}
	if err == nil {
		return nil
	}
	s.canPause = false
	if lost := s.conn.Err(); lost != nil {
		return lost
	}
	if ctx.Err() != nil {
		return fmt.Errorf("download: %w", ctx.Err())
	}
	return nil
}
