package rtmp

import (
	"context"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// playRange is play's start and length in ms: start -1000 is live, a nil length plays to the end.
func (o *Options) playRange(seek time.Duration) (start float64, length []any, err error) {
	from := o.Start
	if seek > 0 {
		from = seek
	}
	if o.Stop != 0 {
		if o.Stop <= from {
			return 0, nil, &OptionError{Name: "stop", Value: o.Stop.String(),
				Err: errors.New("not behind the start, " + from.String())}
		}
		length = []any{milliseconds(o.Stop - from)}
	}
	if o.Live {
		return -1000, length, nil
	}
	return milliseconds(from), length, nil
}

func milliseconds(d time.Duration) float64 { return float64(d / time.Millisecond) }

// subscription are the commands that some servers want to hear before play, in librtmp's order.
func (o *Options) subscription(name string) (commands []message.Command) {
	if token := o.UsherToken; token != "" {
		commands = append(commands, message.Command{Name: "NetStream.Authenticate.UsherToken", Args: []any{token}})
	}
	subscribe := o.Subscribe
	if subscribe == "" && o.Live {
		subscribe = name
	}
	if subscribe != "" {
		commands = append(commands, message.Command{Name: "FCSubscribe", Args: []any{subscribe}})
	}
	return commands
}

// metadataReceived keeps the newest onMetaData, and makes room for the whole of a recording in the server's idea of our
// buffer, so that it sends at full speed.
func (s *Stream) metadataReceived(args []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, arg := range args {
		switch o := arg.(type) {
		case amf.ECMAArray:
			s.metadata = o
		case amf.Object:
			s.metadata = amf.ECMAArray(o)
		}
	}
	if d := flv.Duration(args...); d > 0 {
		s.duration = d
		s.updateBuffer()
	}
}

// updateBuffer tells the server that we buffer the whole of a recording, once its duration is known. The caller holds s.mu.
func (s *Stream) updateBuffer() {
	if want := s.duration + 5*time.Second; s.duration > 0 && s.buffer < want && !s.options.NoBufferUpdate {
		s.buffer = want
		s.conn.session.Reply(bufferLength(s.id, want))
	}
}

// bufferLength tells the server how much of a stream we are ready to buffer.
func bufferLength(id uint32, d time.Duration) chunk.Outgoing {
	ms := uint32(min(max(0, milliseconds(d)), 1<<32-1))
	return session.Control(message.TypeUserControl, message.AppendSetBufferLength(nil, id, ms))
}

// Pause stops the server from sending, and waits for its notification. A wait that is given up, as with ErrStreamBacklog when
// this stream's own queue is full, takes nothing back: the server has been told, and the stream goes on with Unpause.
func (s *Stream) Pause(ctx context.Context) error {
	s.mu.Lock()
	before := s.paused
	s.paused = true // before it is sent: another may read what the server says to it
	s.mu.Unlock()
	sent, err := s.pause(ctx, true, message.CodePauseNotify)
	var refused *StatusError
	if err != nil && (!sent || errors.As(err, &refused)) {
		s.mu.Lock()
		s.paused = before
		s.mu.Unlock()
	}
	return err
}

// Unpause lets the server go on, and waits for its notification.
func (s *Stream) Unpause(ctx context.Context) error {
	_, err := s.pause(ctx, false, message.CodeUnpauseNotify)
	return err
}

func (s *Stream) pause(ctx context.Context, on bool, code string) (sent bool, _ error) {
	s.mu.Lock()
	at := float64(s.position)
	s.mu.Unlock()
	return s.request(ctx, session.ChunkStreamPlay, []message.Command{{Name: "pause", Args: []any{on, at}}}, nil, false, code)
}

// Seek moves the stream to a position, with the server's precision: usually the key frame before. What was queued and
// what arrives before the server's notification is dropped; a stream that had ended goes on. Bytes of a tag that Read
// has begun to hand out still come. A refusal is a *StatusError: the stream stays where it was, and one that had ended has ended.
func (s *Stream) Seek(ctx context.Context, to time.Duration) error {
	s.mu.Lock()
	s.seeking = true
	s.queue.Clear()
	s.mu.Unlock()
	s.backlog.Queued(0)
	_, err := s.request(ctx, session.ChunkStreamPlay, []message.Command{{Name: "seek", Args: []any{milliseconds(to)}}}, nil, false,
		message.CodeSeekNotify)
	if err != nil {
		s.mu.Lock()
		s.seeking = false
		s.mu.Unlock()
		s.signal() // the end counts again
	}
	return err
}

// UpdateBuffer tells the server how much of the stream we are ready to buffer: with more, it sends ahead.
func (s *Stream) UpdateBuffer(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	s.buffer = d
	s.mu.Unlock()
	return s.conn.session.Send(ctx, bufferLength(s.id, d))
}
