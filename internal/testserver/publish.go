package testserver

import (
	"bytes"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

func (s *Session) publish(st *stream, cmd message.Command) error {
	s.release(st)
	name, _ := text(cmd.Args, 0)
	kind, _ := text(cmd.Args, 1)
	l, code, err := s.server.hub.publish(s, st.id, name, kind == "append")
	if code != "" {
		description := name + " is being published"
		if err != nil {
			description = err.Error()
		}
		return s.status(st.id, "error", code, description)
	}
	st.live = l
	return s.status(st.id, "status", message.CodePublishStart, "Publishing "+name+".")
}

// publish makes a session the publisher of a stream. Otherwise code says why not.
func (h *hub) publish(s *Session, id uint32, name string, resume bool) (l *live, code string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l = h.stream(name)
	if l.publisher != nil {
		return nil, message.CodePublishBadName, nil
	}
	if h.cfg.RecordDir != "" {
		if l.record, err = newRecorder(h.cfg.RecordDir, name, resume); err != nil {
			h.forget(l)
			return nil, message.CodeRecordFailed, err
		}
	}
	l.publisher, l.id = s, id
	for v := range l.viewers {
		notify := session.Status(v.id, "status", message.CodePlayPublishNotify, name+" begins.")
		v.push(session.Event(message.EventStreamBegin, v.id), notify)
	}
	return l, "", nil
}

// published takes a media message of a publisher. From others it is ignored.
func (s *Session) published(m *session.Message) error {
	s.mu.Lock()
	st := s.streams[m.StreamID]
	s.mu.Unlock()
	if st == nil || st.live == nil {
		return nil
	}
	tag := flv.Tag{Type: flv.TagType(m.Type), Timestamp: m.Timestamp, Body: bytes.Clone(m.Payload())}
	if m.Type == message.TypeDataAMF3 { // AMF0 after a format selector
		tag.Type = flv.TagScript
		tag.Body = bytes.TrimPrefix(tag.Body, []byte{0})
	}
	if tag.Type == flv.TagScript {
		// Kept as it is on its way to a file or a player, but for the instruction to the server in front.
		tag.Body = bytes.TrimPrefix(tag.Body, amf.AppendString(nil, "@setDataFrame"))
	}
	if err := s.server.hub.relay(st.live, tag); err != nil {
		s.server.cfg.Logger.Warn("test server: recording ends", "stream", st.live.name, "error", err)
	}
	return nil
}

// relay gives a tag to all viewers and to the recorder, whose error it returns once.
func (h *hub) relay(l *live, tag flv.Tag) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.headers.Keep(tag)
	for v := range l.viewers {
		if !v.paused {
			v.push(tagMessage(v.id, tag))
		}
	}
	if l.record == nil || len(tag.Body) == 0 {
		return nil
	}
	err := l.record.write(tag)
	if err != nil {
		l.record.close()
		l.record = nil
	}
	return err
}

// unpublish tells everybody that the stream is over.
func (h *hub) unpublish(l *live) {
	h.mu.Lock()
	publisher, id := l.publisher, l.id
	if l.record != nil {
		l.record.close()
	}
	l.publisher, l.record, l.headers = nil, nil, flv.Headers{}
	for v := range l.viewers {
		notify := session.Status(v.id, "status", message.CodePlayUnpublishNotify, l.name+" is over.")
		v.push(notify, session.Event(message.EventStreamEOF, v.id))
	}
	h.forget(l)
	h.mu.Unlock()
	publisher.status(id, "status", message.CodeUnpublishSuccess, l.name+" is over.") // it may be gone: no error
}
