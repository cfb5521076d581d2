package rtmp

import (
	"context"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// playback is the part of a playing Stream that keeps the metadata, and that asks the server to pause and to seek.
type playback struct {
	*streamState
	reader *streamReader

	// The fields below are guarded by streamState.mu.
	duration time.Duration
	metadata amf.ECMAArray
	buffer   time.Duration // the buffer length that was last sent to the server
}

func (s *playback) init(state *streamState, reader *streamReader) {
	s.streamState, s.reader, s.buffer = state, reader, state.conn.opts.buffer()
}

// Duration returns the stream's length according to its metadata. It returns zero if the length is unknown, as for live streams.
func (s *playback) Duration() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.duration
}

// Metadata returns the values of the newest onMetaData, or nil if there has been none. The caller must not modify the result.
func (s *playback) Metadata() amf.ECMAArray {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.metadata
}

// metadataReceived keeps the newest onMetaData, and raises the announced buffer length to the whole recording, so that the server sends at
// full speed.
func (s *playback) metadataReceived(args []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, arg := range args {
		if o := amf.Members(arg); o != nil {
			s.metadata = amf.ECMAArray(o)
		}
	}
	if d := flv.Duration(args...); d > 0 {
		s.duration = d
		s.updateBuffer()
	}
}

// updateBuffer raises the buffer once the duration is known. The caller holds s.mu.
func (s *playback) updateBuffer() {
	if want := s.duration + 5*time.Second; s.duration > 0 && s.buffer < want && !s.options.NoBufferUpdate {
		s.buffer = want
		s.conn.session.Reply(bufferLength(s.id, want))
	}
}

// Pause asks the server to stop sending, and waits for its notification. If the server has paused the stream already, Pause does nothing. If
// the wait ends early, for instance with ErrStreamBacklog because this stream's own queue is full, the request stays in effect: the stream
// continues only after Unpause.
func (s *playback) Pause(ctx context.Context) error {
	defer s.reader.rouse() // since an end that has arrived is valid again if the server does not pause
	return s.control(ctx, s.pauseCommand(true), message.CodePauseNotify, nil)
}

// Unpause asks the server to continue, and waits for its notification. If the server's last notification says that it has continued, Unpause
// does nothing.
func (s *playback) Unpause(ctx context.Context) error {
	return s.control(ctx, s.pauseCommand(false), message.CodeUnpauseNotify, nil)
}

func (s *playback) pauseCommand(on bool) message.Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return message.Command{Name: "pause", Args: []any{on, float64(s.position)}}
}

// Seek moves the stream to a position, with the server's precision, which is usually the key frame before. Media that is queued or
// arrives before the server's notification is dropped, except for the rest of a tag that Read has begun to return. A stream that
// had ended continues. If the server refuses, the error is a *StatusError, and the stream stays as it was.
func (s *playback) Seek(ctx context.Context, to time.Duration) error {
	defer s.reader.rouse() // since an end that has arrived is valid again if the server refuses
	seek := message.Command{Name: "seek", Args: []any{milliseconds(to)}}
	return s.control(ctx, seek, message.CodeSeekNotify, s.reader.discard)
}

// UpdateBuffer announces another buffer length to the server; see Options.Buffer.
func (s *playback) UpdateBuffer(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	s.buffer = d
	s.mu.Unlock()
	return session.Cancelled("update buffer", s.conn.session.Send(ctx, bufferLength(s.id, d)))
}
