package rtmp

import (
	"errors"
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

// playRange is play's start and length in ms: start -1000 is live, a nil length plays to the end.
func (o *Options) playRange(seek time.Duration) (start float64, length []any, err error) {
	from := o.Start
	if seek > 0 {
		from = seek
	}
	if o.Stop != 0 {
		if o.Stop <= from {
			return 0, nil, &OptionError{Name: "Stop", Value: o.Stop.String(),
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

// then returns the messages that follow the commands on message stream id.
func (p *script) then(id uint32) []chunk.Outgoing {
	if p.buffer == 0 {
		return nil
	}
	return []chunk.Outgoing{bufferLength(id, p.buffer)}
}

// bufferLength tells the server how much of a stream we are ready to buffer.
func bufferLength(id uint32, d time.Duration) chunk.Outgoing {
	ms := uint32(min(max(0, milliseconds(d)), 1<<32-1))
	return session.Control(message.TypeUserControl, message.AppendSetBufferLength(nil, id, ms))
}
