package rtmp

import (
	"errors"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// script contains the commands that open a stream.
type script struct {
	connection    []message.Command // commands on message stream 0, including createStream
	stream        []message.Command // commands on the new message stream; the last one asks for the stream
	chunkStreamID uint32            // for stream
	codes         []string          // codes of the statuses that confirm the stream
	buffer        time.Duration     // length in the SetBufferLength at the end; 0 if there is none
}

// playRange returns play's start and length in ms. A start of -1000 is live, and a nil length plays to the end.
func (o *Options) playRange(seek time.Duration) (start float64, length []any, err error) {
	from := o.Start
	if seek > 0 {
		from = seek
	}
	if o.Stop != 0 {
		if o.Stop <= from {
			return 0, nil, &OptionError{Name: "stop", Value: o.Stop.String(),
				Err: errors.New("must be after the start, " + from.String())}
		}
		length = []any{milliseconds(o.Stop - from)}
	}
	if o.Live {
		return -1000, length, nil
	}
	return milliseconds(from), length, nil
}

func milliseconds(d time.Duration) float64 { return float64(d / time.Millisecond) }

// subscription returns the commands that some servers require before play, in librtmp's order.
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

// playScript returns the commands that play a stream, in librtmp's order.
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

// publishScript returns the commands that publish a stream, in the order of librtmp, OBS and FFmpeg.
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

// script returns the commands for a stream. The options must be complete.
func (o *Options) script(stream StreamOptions) (script, error) {
	if stream.Writable {
		return publishScript(stream), nil
	}
	return o.playScript(stream)
}

// complete returns o with the defaults filled in.
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

// afterCommands returns the messages that follow the commands on message stream id.
func (p *script) afterCommands(id uint32) []chunk.Outgoing {
	if p.buffer == 0 {
		return nil
	}
	return []chunk.Outgoing{bufferLength(id, p.buffer)}
}

// bufferLength returns the SetBufferLength event of a stream.
func bufferLength(id uint32, d time.Duration) chunk.Outgoing {
	ms := uint32(min(max(0, milliseconds(d)), 1<<32-1))
	return session.Control(message.TypeUserControl, message.AppendSetBufferLength(nil, id, ms))
}
