package rtmp

import (
	"context"
	"errors"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// playback is what a Stream that plays knows of the recording, and how it asks the server to pause or to go elsewhere.
type playback struct {
	*streamState
	reader *streamReader

	// Guarded by streamState.mu:
	duration time.Duration
	metadata amf.ECMAArray
	buffer   time.Duration // as the server was told last
}

// Duration returns the stream's length according to its metadata. It is zero while that is unknown, as for live streams.
func (s *playback) Duration() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.duration
}

// Metadata returns the values of the newest onMetaData, or nil if there has been none. It must not be modified.
func (s *playback) Metadata() amf.ECMAArray {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.metadata
}

// metadataReceived keeps the newest onMetaData, and makes room for the whole of a recording in the server's idea of our
// buffer, so that it sends at full speed.
func (s *playback) metadataReceived(args []any) {
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
func (s *playback) updateBuffer() {
	if want := s.duration + 5*time.Second; s.duration > 0 && s.buffer < want && !s.options.NoBufferUpdate {
		s.buffer = want
		s.conn.session.Reply(bufferLength(s.id, want))
	}
}

// Pause stops the server from sending, and waits for its notification. A wait that is given up, as with ErrStreamBacklog when
// this stream's own queue is full, takes nothing back: the server has been told, and the stream goes on with Unpause.
func (s *playback) Pause(ctx context.Context) error {
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
func (s *playback) Unpause(ctx context.Context) error {
	_, err := s.pause(ctx, false, message.CodeUnpauseNotify)
	return err
}

func (s *playback) pause(ctx context.Context, on bool, code string) (sent bool, _ error) {
	s.mu.Lock()
	at := float64(s.position)
	s.mu.Unlock()
	return s.request(ctx, session.ChunkStreamPlay, []message.Command{{Name: "pause", Args: []any{on, at}}}, nil, false, code)
}

// Seek moves the stream to a position, with the server's precision: usually the key frame before. What was queued and
// what arrives before the server's notification is dropped; a stream that had ended goes on. Bytes of a tag that Read
// has begun to hand out still come. A refusal is a *StatusError: the stream stays where it was, and one that had ended has ended.
func (s *playback) Seek(ctx context.Context, to time.Duration) error {
	s.mu.Lock()
	s.seeking = true
	s.reader.discard()
	s.mu.Unlock()
	_, err := s.request(ctx, session.ChunkStreamPlay, []message.Command{{Name: "seek", Args: []any{milliseconds(to)}}}, nil, false,
		message.CodeSeekNotify)
	if err != nil {
		s.mu.Lock()
		s.seeking = false
		s.mu.Unlock()
		signal(s.readWake) // the end counts again
	}
	return err
}

// UpdateBuffer tells the server how much of the stream we are ready to buffer: with more, it sends ahead.
func (s *playback) UpdateBuffer(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	s.buffer = d
	s.mu.Unlock()
	return s.conn.session.Send(ctx, bufferLength(s.id, d))
}
