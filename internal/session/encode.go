package session

import (
	"errors"
	"fmt"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// These are the chunk streams of outgoing messages. librtmp uses the same, and some peers depend on them.
const (
	ChunkStreamControl = 2
	ChunkStreamCommand = 3
	ChunkStreamMedia   = 4 // audio and data; video has its own chunk stream, as in FFmpeg, so that headers can be short
	ChunkStreamVideo   = 6
	ChunkStreamPlay    = 8 // play, pause, seek
)

// ChunkStream returns the usual chunk stream id for messages of a type.
func ChunkStream(t message.Type) uint32 {
	switch t {
	case message.TypeVideo:
		return ChunkStreamVideo
	case message.TypeAudio, message.TypeDataAMF0, message.TypeDataAMF3, message.TypeAggregate:
		return ChunkStreamMedia
	case message.TypeCommandAMF0, message.TypeCommandAMF3, message.TypeSharedObjectAMF0, message.TypeSharedObjectAMF3:
		return ChunkStreamCommand
	}
	return ChunkStreamControl
}

// Encode returns a message with the shortest header, on the usual chunk stream for its type. The body is not copied.
func Encode(t message.Type, streamID, timestamp uint32, body []byte) chunk.Outgoing {
	return chunk.Outgoing{Type: uint8(t), ChunkStreamID: ChunkStream(t), StreamID: streamID, Timestamp: timestamp,
		Format: chunk.Format3, Body: body}
}

// EncodePacket converts p to the form that the chunk writer accepts.
func EncodePacket(p *message.Packet) chunk.Outgoing {
	cs := p.ChunkStreamID
	if cs == 0 {
		cs = ChunkStream(p.Type)
	}
	return chunk.Outgoing{Type: uint8(p.Type), ChunkStreamID: cs, StreamID: p.StreamID, Timestamp: p.Timestamp,
		Format: p.Format, Relative: p.Format != chunk.Format0 && !p.Absolute, Body: p.Body}
}

// Control returns a protocol control or user control message, which is always on message stream 0.
func Control(t message.Type, body []byte) chunk.Outgoing { return Encode(t, 0, 0, body) }

// Event returns a user control message about a stream, or a ping.
func Event(e message.Event, value uint32) chunk.Outgoing {
	return Control(message.TypeUserControl, message.AppendUserControl(nil, e, value))
}

// Command returns a command message. It fails only for arguments that AMF cannot encode.
func Command(chunkStreamID, streamID uint32, cmd *message.Command) (chunk.Outgoing, error) {
	body, err := message.AppendCommand(nil, message.TypeCommandAMF0, cmd)
	if err != nil {
		return chunk.Outgoing{}, fmt.Errorf("rtmp: %s: %w", cmd.Name, err)
	}
	o := Encode(message.TypeCommandAMF0, streamID, 0, body)
	o.ChunkStreamID = chunkStreamID
	return o, nil
}

// Status returns an onStatus for a message stream, or for the connection if streamID is 0.
func Status(streamID uint32, level, code, description string) chunk.Outgoing {
	o, _ := Command(ChunkStreamCommand, streamID, // strings can always be encoded
		&message.Command{Name: "onStatus", Args: []any{message.StatusObject(level, code, description)}})
	return o
}

// Data returns a data message. It fails only for arguments that AMF cannot encode.
func Data(streamID uint32, name string, args ...any) (chunk.Outgoing, error) {
	body, err := message.AppendData(nil, message.TypeDataAMF0, name, args...)
	if err != nil {
		return chunk.Outgoing{}, fmt.Errorf("rtmp: %s: %w", name, err)
	}
	return Encode(message.TypeDataAMF0, streamID, 0, body), nil
}

// CallFailed returns the _error that refuses a call.
func CallFailed(id float64, err error) chunk.Outgoing {
	code, description := message.CodeCallFailed, err.Error()
	var refused *message.StatusError
	if errors.As(err, &refused) {
		code, description = refused.Code, refused.Description
	}
	o, _ := Command(ChunkStreamCommand, 0, &message.Command{Name: "_error", TransactionID: id, // strings can always be encoded
		Args: []any{message.StatusObject("error", code, description)}})
	return o
}
