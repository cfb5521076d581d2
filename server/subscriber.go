package server

import (
	"context"
	"io"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/live"
	"github.com/go-librtmp/rtmp/message"
)

// SubscribeOptions say what a Subscriber wants.
type SubscribeOptions struct {
	NoCache          bool // begin with the next key frame, not with the last
	NoAudio, NoVideo bool
}

// Shared is a message of a live stream that all its players get: its Body must not be changed.
type Shared struct {
	Tag         flv.Tag
	Key, Header bool   // a key frame; metadata or a decoder configuration
	Sequence    uint64 // counts the stream's messages from 1 on; 0 of headers that are given again
}

// Subscriber is the program as a player of a live stream: an io.ReadCloser of FLV. Next, Read and WriteTo are for one goroutine at a
// time. A slow one costs nobody anything: it misses messages, and goes on at a key frame.
type Subscriber struct {
	sub  *live.Subscriber
	ctx  context.Context
	stop func() bool
	fmt  flvReader
}

// Subscribe makes the program a player of a live stream: a relay, a transcoder, a test. Hooks are not called. It waits for a publisher
// as the App of path's first element says (Live.Await). ctx ends it, as Close does.
func (s *Server) Subscribe(ctx context.Context, path string, o SubscribeOptions) (*Subscriber, error) {
	s.init()
	if !validPath(path) {
		return nil, &Refusal{Code: message.CodePlayStreamNotFound, Description: errBadPath.Error()}
	}
	app := s.application(path)
	if app == nil {
		app = new(App)
	}
	sub, err := s.relay.hub.Subscribe(path, live.PlayOptions{Await: app.Live.Await, NoCache: o.NoCache || app.Live.NoCache,
		NoAudio: o.NoAudio, NoVideo: o.NoVideo})
	if err != nil {
		return nil, hubError(err, "")
	}
	return &Subscriber{sub: sub, ctx: ctx, stop: context.AfterFunc(ctx, sub.Close)}, nil
}

// Next waits for the next message. The error is io.EOF when the stream has ended.
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

// Read reads the stream as an FLV file. The error is io.EOF when the stream has ended.
func (s *Subscriber) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for !s.fmt.ready() {
		m, err := s.Next(s.ctx)
		if err != nil {
			if s.fmt.flush(); !s.fmt.ready() {
				return 0, err
			}
			break
		}
		s.fmt.add(m.Tag)
	}
	return s.fmt.read(b), nil
}

// WriteTo writes the stream as an FLV file to w until its end, which is not an error.
func (s *Subscriber) WriteTo(w io.Writer) (int64, error) { return writeAll(w, s.Read) }

// Missed counts the messages that were skipped because the Subscriber was too slow.
func (s *Subscriber) Missed() uint64 { return s.sub.Missed() }

// Close ends the Subscriber, and a Next or Read under way.
func (s *Subscriber) Close() error {
	s.stop()
	s.sub.Close()
	return nil
}
