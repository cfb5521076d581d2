package rtmp

import (
	"context"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// script is what the server is told to open a stream.
type script struct {
	connection    []message.Command // on message stream 0; createStream is one of them
	stream        []message.Command // on the new message stream; the last one asks for the stream
	chunkStreamID uint32            // of stream
	codes         []string          // the statuses that say that the stream is open
	buffer        time.Duration     // of the SetBufferLength that comes last; 0: none does
}

// playScript is librtmp's order for playing.
func (o *Options) playScript(stream StreamOptions) (script, error) {
	start, length, err := o.playRange(stream.Seek)
	if err != nil {
		return script{}, err
	}
	p := script{chunkStreamID: session.ChunkStreamPlay, buffer: o.buffer(),
		codes: []string{message.CodePlayStart, message.CodePlayPublishNotify}}
	p.connection = append([]message.Command{{Name: "createStream"}}, o.subscription(stream.Name)...)
	if o.Playlist {
		p.stream = append(p.stream, message.Command{Name: "set_playlist", Args: []any{amf.ECMAArray{{Name: "0", Value: stream.Name}}}})
	}
	p.stream = append(p.stream, message.Command{Name: "play", Args: append([]any{stream.Name, start}, length...)})
	return p, nil
}

// publishScript is the order of librtmp, OBS and FFmpeg for publishing.
func publishScript(o StreamOptions) script {
	return script{
		connection: []message.Command{
			{Name: "releaseStream", Args: []any{o.Name}},
			{Name: "FCPublish", Args: []any{o.Name}},
			{Name: "createStream"},
		},
		stream:        []message.Command{{Name: "publish", Args: []any{o.Name, o.PublishType}}},
		chunkStreamID: session.ChunkStreamMedia,
		codes:         []string{message.CodePublishStart},
	}
}

// script is what opens a stream with options that were completed.
func (o *Options) script(stream StreamOptions) (script, error) {
	if stream.Writable {
		return publishScript(stream), nil
	}
	return o.playScript(stream)
}

// complete fills in what empty options stand for.
func (s settings) complete(o StreamOptions) StreamOptions {
	if o.Name == "" {
		o.Name = s.playpath()
	}
	if o.PublishType == "" {
		o.PublishType = "live"
	}
	if o.Seek <= 0 {
		o.Seek = s.opts.Start
	}
	return o
}

// behind is what follows the commands on message stream id.
func (p *script) behind(id uint32) []chunk.Outgoing {
	if p.buffer == 0 {
		return nil
	}
	return []chunk.Outgoing{bufferLength(id, p.buffer)}
}

// open asks for a message stream and plays or publishes on it.
func (s *Stream) open(ctx context.Context) error {
	c := s.conn
	p, err := c.opts.script(s.options)
	if err != nil {
		return err
	}
	if s.options.Writable {
		if err := c.announceChunkSize(ctx); err != nil {
			return err
		}
	}
	if s.id, err = s.table.newID(ctx, p.connection); err != nil {
		return err
	}
	if err := s.table.add(s); err != nil {
		return err
	}
	if _, err := s.request(ctx, p.chunkStreamID, p.stream, p.behind(s.id), true, p.codes...); err != nil {
		return err
	}
	return s.opened()
}

// opened begins with a stream that the server has agreed to.
func (s *Stream) opened() error {
	if s.options.Writable {
		return s.beginPublishing()
	}
	return nil
}
