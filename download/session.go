package download

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/reconnect"
	"github.com/go-librtmp/rtmp/message"
)

// toggleTimeout bounds a pause and its end.
const toggleTimeout = 10 * time.Second

// session plays the stream on one connection.
type session struct {
	conn   *rtmp.Conn
	stream *rtmp.Stream
	speed  bool // answer BufferEmpty by a pause that is undone
	pauses bool // the stream can be paused, as far as is known
	moves  bool // come back when the server asks for it
	log    *slog.Logger
	packet rtmp.Packet // the stream's newest
	other  rtmp.Packet // the connection's newest

	woken    bool // silence was answered by a pause and its end, and nothing has come since
	toggled  bool // there was a pause, and nothing has come since
	unpaused bool // paused has not said so yet
}

// connect connects and plays from a time on.
func (d *download) connect(ctx context.Context, from time.Duration) (player, error) {
	conn, err := d.target.connect(ctx, d.o.Recover != nil)
	if err != nil {
		return nil, err
	}
	d.report(Progress{Phase: Connected})
	stream, err := conn.CreateStream(ctx, &rtmp.StreamOptions{Seek: from, NoBufferUpdate: d.o.KeepBuffer})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &session{conn: conn, stream: stream, log: d.log, speed: !d.o.Realtime, pauses: !d.target.live, moves: d.o.Recover != nil}, nil
}

func (s *session) close() { s.conn.Close() }

func (s *session) known() (time.Duration, amf.ECMAArray) {
	return s.stream.Duration(), s.stream.Metadata()
}

func (s *session) damaged() uint64 { return s.conn.Stats().LostMedia }

func (s *session) paused() bool {
	unpaused := s.unpaused
	s.unpaused = false
	return unpaused
}

// next implements player.
func (s *session) next(ctx context.Context) (*rtmp.Packet, error) {
	for {
		err := s.receive(ctx)
		switch {
		case err == nil:
			s.woken, s.toggled = false, false
			return &s.packet, nil
		case errors.Is(err, os.ErrDeadlineExceeded) && s.pauses && !s.woken && ctx.Err() == nil:
			s.woken = true
			if lost := s.wake(ctx); lost != nil {
				return nil, lost
			}
			if !s.pauses {
				return nil, err
			}
		default:
			return nil, err
		}
	}
}

// maxBuffer is the longest that no server takes for a negative number.
const maxBuffer = (1<<31 - 1) * time.Millisecond

// wake is what helps with servers that have fallen silent: those that wait, because the times jump by more than the buffer,
// are told one that is as long as can be, and then comes rtmpdump's remedy.
func (s *session) wake(ctx context.Context) error {
	if err := s.stream.UpdateBuffer(ctx, maxBuffer); err != nil {
		return err
	}
	return s.toggle(ctx)
}

// receive takes what the stream has, and reads on while it has nothing. It reads the connection rather than the stream to
// see what a Stream does not tell: BufferEmpty, and the request to reconnect.
func (s *session) receive(ctx context.Context) error {
	for !s.stream.Ready() {
		p := &s.other
		if err := s.conn.ReadPacket(ctx, p); err != nil {
			return err
		}
		if err := s.conn.HandlePacket(ctx, p); err != nil {
			return err
		}
		if err := s.notice(ctx, p); err != nil {
			return err
		}
	}
	return s.stream.ReadPacket(&s.packet)
}

// notice acts on BufferEmpty and on a request to reconnect. Of what can't be read HandlePacket has taken care.
func (s *session) notice(ctx context.Context, p *rtmp.Packet) error {
	switch p.Type {
	case message.TypeUserControl:
		u, err := message.ParseUserControl(p.Body)
		if err == nil && u.Event == message.EventBufferEmpty && s.speed && s.pauses && !s.toggled {
			return s.toggle(ctx)
		}
	case message.TypeCommandAMF0, message.TypeCommandAMF3:
		cmd, err := message.ParseCommand(p.Type, p.Body)
		if err != nil || cmd.Name != "onStatus" {
			return nil
		}
		if tcURL, ok := reconnect.Request(message.ParseStatus(cmd.Args)); ok {
			return s.move(tcURL)
		}
	}
	return nil
}

// move is a *reconnectError if a request to reconnect is to be followed. Others are ignored: what the server sends is taken
// as long as it does.
func (s *session) move(tcURL string) error {
	if !s.moves {
		return nil
	}
	url, options, err := s.conn.Follow(tcURL)
	if err != nil {
		s.log.Debug("download: a request to reconnect is not followed", "error", err)
		return nil
	}
	return &reconnectError{url, options}
}

// toggle pauses and goes on. A server that does not do as it is told is not asked again; the error is one of the connection,
// or of ctx.
func (s *session) toggle(ctx context.Context) error {
	s.unpaused, s.toggled = true, true
	limited, cancel := context.WithTimeout(ctx, toggleTimeout)
	defer cancel()
	err := s.stream.Pause(limited)
	if err == nil {
		err = s.stream.Unpause(limited)
	} else if s.conn.Err() == nil && ctx.Err() == nil {
		undo, cancel := context.WithTimeout(ctx, toggleTimeout/4) // it may have paused without a word
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
