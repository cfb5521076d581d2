package server

import (
	"context"
	"io"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/message"
)

// SubscribeOptions are the options of Subscribe.
type SubscribeOptions struct {
	NoCache          bool // begin with the next key frame, not with the last one
	NoAudio, NoVideo bool // leave out audio or video
	Aside            bool // do not count as a player, and do not make a stream without a publisher wait for another one
}

// Shared is a message of a live stream. All players share its Body, which must not be modified. Copy the Body to keep it for long:
// otherwise up to 1 MiB of messages around it stay in memory, too.
type Shared struct {
	Tag         flv.Tag
	Key, Header bool   // Key is set for a key frame, Header for metadata or a decoder configuration
	Sequence    uint64 // number of the message in the stream, from 1; 0 for repeated headers
}

// Subscriber plays a live stream in the program. It is an io.ReadCloser of FLV. Next, Read and WriteTo may be used by one goroutine
// at a time. A slow Subscriber does not delay others: it misses messages and continues at a key frame.
type Subscriber struct {
	sub  *live.Subscriber
	ctx  context.Context
	stop func() bool
	file flvReader
}

// Subscribe makes the program a player of a live stream. No hooks are called. The first element of path names the App, whose Live.Await is
// how long the Subscriber waits for a publisher. The Subscriber ends when ctx is done, or with Close.
func (s *Server) Subscribe(ctx context.Context, path string, o SubscribeOptions) (*Subscriber, error) {
	s.init()
	if !validPath(path) {
		return nil, &Refusal{Code: message.CodePlayStreamNotFound, Description: errBadPath.Error()}
	}
	app := s.application(path)
	if app == nil {
		app = new(App)
	}
	sub, err := s.hub.Subscribe(path, live.PlayOptions{Await: app.Live.Await, NoCache: o.NoCache || app.Live.NoCache,
		NoAudio: o.NoAudio, NoVideo: o.NoVideo, Aside: o.Aside})
	if err != nil {
		return nil, hubError(err, "")
	}
	return &Subscriber{sub: sub, ctx: ctx, stop: context.AfterFunc(ctx, sub.Close)}, nil
}

// Next waits for the next message. The error is io.EOF if the stream has ended, and wraps io.ErrUnexpectedEOF if its publisher was lost
// before it has ended the stream, and none has replaced it within Live.Linger.
func (s *Subscriber) Next(ctx context.Context) (Shared, error) {
	m, err := s.sub.Next(ctx)
	if err != nil {
		if s.ctx.Err() != nil {
			err = s.ctx.Err()
		}
		return Shared{}, hubError(err, "")
	}
	return Shared{Tag: m.Tag(), Key: m.Key(), Header: m.Header(), Sequence: m.Sequence()}, nil
}

// Read reads the stream as an FLV file. The errors are those of Next.
func (s *Subscriber) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for !s.file.ready() {
		m, err := s.Next(s.ctx)
		if err != nil {
			if s.file.flush(); !s.file.ready() {
				return 0, err
			}
			break
		}
		s.file.add(m.Tag)
	}
	return s.file.read(b), nil
}

// WriteTo writes the stream as an FLV file to w until its end, which is not an error.
func (s *Subscriber) WriteTo(w io.Writer) (int64, error) { return writeAll(w, s.Read) }

// Missed returns the number of messages that were skipped because the Subscriber was too slow.
func (s *Subscriber) Missed() uint64 { return s.sub.Missed() }

// Close ends the Subscriber. A Next or Read in progress returns.
func (s *Subscriber) Close() error {
	s.stop()
	s.sub.Close()
	return nil
}
