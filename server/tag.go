package server

import (
	"bytes"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// setDataFrame precedes metadata that a server should keep; clearDataFrame revokes that metadata.
var (
	setDataFrame   = amf.AppendString(nil, "@setDataFrame")
	clearDataFrame = amf.AppendString(nil, "@clearDataFrame")
)

// Tag converts a published audio, video or data message to the form that players and recordings get. Metadata loses its leading
// @setDataFrame, and data is in AMF0. ok is false for messages that are not passed on: those of other types, empty messages, and
// @clearDataFrame. The tag's Body is part of p.Body.
func Tag(p *message.Packet) (tag flv.Tag, ok bool) {
	if !p.Type.Media() {
		return tag, false
	}
	tag = flv.Tag{Type: flv.TagType(p.Type), Timestamp: p.Timestamp, Body: p.Body}
	if p.Type == message.TypeDataAMF3 {
		tag.Type, tag.Body = flv.TagScript, message.WithoutSelector(p.Type, p.Body)
	}
	if tag.Type == flv.TagScript {
		tag.Body = bytes.TrimPrefix(tag.Body, setDataFrame)
		if bytes.HasPrefix(tag.Body, clearDataFrame) {
			return tag, false
		}
	}
	return tag, len(tag.Body) > 0
}

// tagOf is like Tag, for a message that still belongs to the session.
func tagOf(m *session.Message) (tag flv.Tag, ok bool) {
	p := m.View()
	return Tag(&p)
}
