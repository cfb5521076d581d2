package testserver

import (
	"bytes"
	"cmp"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// shaper encodes the messages of package server as chunks in a Shape.
type shaper struct {
	shape Shape
	out   *chunk.Writer         // for everything except media; has the chunk size
	last  map[uint32]sentHeader // by chunk stream, if the last message there was media

	count, sizes, unknowns int  // numbers of messages, chunk size changes and unknown messages so far
	resize                 bool // a change of the chunk size is due
}

// newShaper returns a shaper for shape, or nil if the shape needs none.
func newShaper(shape Shape) *shaper {
	shape.DuplicateMetadata, shape.LateMetadata = false, false // these two are applied to the file
	if shape == (Shape{}) {
		return nil
	}
	shape.AudioChunkStream = cmp.Or(shape.AudioChunkStream, session.ChunkStreamMedia)
	shape.VideoChunkStream = cmp.Or(shape.VideoChunkStream, session.ChunkStreamVideo)
	return &shaper{shape: shape, out: chunk.NewWriter(), last: make(map[uint32]sentHeader)}
}

// append appends messages to dst. end reports that the connection must be closed without sending more messages.
func (s *shaper) append(dst []byte, messages []chunk.Outgoing) (_ []byte, end bool, err error) {
	for len(messages) > 0 && err == nil {
		n := 1
		switch {
		case isPlayed(messages[0]):
			for n < len(messages) && isPlayed(messages[n]) && messages[n].StreamID == messages[0].StreamID {
				n++
			}
			dst, err = s.appendMedia(dst, messages[:n])
		case isEnd(messages):
			n = endLength
			if s.shape.EndSignal == EndClose {
				return dst, true, nil
			}
			dst, err = s.appendOthers(dst, endMessages(messages[:n], s.shape.EndSignal))
		default:
			dst, err = s.appendOthers(dst, messages[:1])
		}
		messages = messages[n:]
	}
	return dst, false, err
}

// isPlayed reports whether a message is audio, video or metadata of the stream.
func isPlayed(o chunk.Outgoing) bool { return session.IsPushed(o.ChunkStreamID) }

// appendOthers appends messages other than media. They have full headers, since media may have been sent on their chunk streams.
func (s *shaper) appendOthers(dst []byte, messages []chunk.Outgoing) (_ []byte, err error) {
	for _, o := range messages {
		delete(s.last, o.ChunkStreamID)
		if dst, err = s.out.AppendMessage(dst, &o); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendMedia appends the media of one stream.
func (s *shaper) appendMedia(dst []byte, played []chunk.Outgoing) ([]byte, error) {
	streamID, messages := played[0].StreamID, s.messages(played)
	for len(messages) > 0 {
		var err error
		if dst, err = s.between(dst, streamID); err != nil {
			return nil, err
		}
		n := 1
		if s.shape.InterleaveAV && len(messages) > 1 && messages[1].id != messages[0].id {
			n = 2
		}
		if dst, err = s.chunks(dst, messages[:n]); err != nil {
			return nil, err
		}
		messages = messages[n:]
	}
	return dst, nil
}

// messages converts media to the form in which it is sent.
func (s *shaper) messages(played []chunk.Outgoing) []*shaped {
	var messages []*shaped
	group := max(1, s.shape.Aggregate)
	for len(played) > 0 {
		n := min(group, len(played))
		if n > 1 && len(played) == n+1 { // avoid a group of one
			n++
		}
		first := played[0]
		m := &shaped{typ: first.Type, id: s.shape.AudioChunkStream, streamID: first.StreamID,
			timestamp: first.Timestamp + s.shape.TimestampOffset, body: first.Body}
		if first.Type == uint8(message.TypeVideo) {
			m.id = s.shape.VideoChunkStream
		}
		if n > 1 {
			m.typ, m.id, m.body = uint8(message.TypeAggregate), s.shape.VideoChunkStream, nil
			for _, o := range played[:n] { // use the timestamps of the file, since the timestamps in an aggregate are relative to the first of them
				m.body = flv.AppendTag(m.body, flv.Tag{Type: flv.TagType(o.Type), Timestamp: o.Timestamp, Body: o.Body})
			}
		}
		messages = append(messages, m)
		played = played[n:]
	}
	return messages
}

// endLength is the number of messages at the end of a stream: StreamEOF, onPlayStatus, and an onStatus.
const endLength = 3

// isEnd reports whether messages begin with the messages that end a stream.
func isEnd(messages []chunk.Outgoing) bool {
	if len(messages) < endLength || messages[0].Type != uint8(message.TypeUserControl) || messages[1].Type != uint8(message.TypeDataAMF0) {
		return false
	}
	return bytes.HasPrefix(messages[1].Body, amf.AppendString(nil, "onPlayStatus"))
}

// endMessages returns the messages that replace the end of a stream, according to signal.
func endMessages(all []chunk.Outgoing, signal EndSignal) []chunk.Outgoing {
	id := all[1].StreamID
	status := func(code string) []chunk.Outgoing {
		return []chunk.Outgoing{session.Status(id, "status", code, "The end.")}
	}
	switch signal {
	case EndStop:
		return status(message.CodePlayStop)
	case EndComplete:
		return status(message.CodePlayComplete)
	case EndUnpublishNotify:
		return status(message.CodePlayUnpublishNotify)
	case EndFCUnsubscribe:
		o, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: "onFCUnsubscribe",
			Args: []any{message.StatusObject("status", message.CodePlayStop, "The end.")}})
		if err != nil {
			panic(err) // impossible: the message is constant
		}
		return []chunk.Outgoing{o}
	case EndStreamEOF:
		return all[:1]
	case EndNothing:
		return nil
	}
	return all
}
