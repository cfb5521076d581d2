package testserver

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// viewerQueue is how many messages a viewer may lag behind before it is dropped, so that it can't hold up the publisher.
const viewerQueue = 2048

// live is a stream with a publisher, viewers, or both.
type live struct {
	server *Server
	name   string

	mu        sync.Mutex // guards the rest
	publisher *Session
	viewers   map[*viewer]struct{}
	cached    []flv.Tag // metadata and sequence headers, for viewers that come later
	record    *os.File
}

// viewer is a player of a live stream.
type viewer struct {
	session *Session
	id      uint32
	live    *live
	queue   chan []chunk.Outgoing // closed by leave
}

// liveStream returns the live stream of that name if somebody publishes it.
func (s *Server) liveStream(name string) *live {
	s.mu.Lock()
	l := s.live[name]
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.publisher == nil {
		return nil
	}
	return l
}

func (s *Server) liveOrNew(name string) *live {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.live[name]
	if l == nil {
		l = &live{server: s, name: name, viewers: make(map[*viewer]struct{})}
		s.live[name] = l
	}
	return l
}

// view plays a live stream, whether it is there already or not.
func (s *Session) view(st *stream, name string) error {
	if err := s.status(st.id, "status", "NetStream.Play.Reset", "Resetting."); err != nil {
		return err
	}
	if err := s.status(st.id, "status", "NetStream.Play.Start", "Started."); err != nil {
		return err
	}
	l := s.server.liveOrNew(name)
	v := &viewer{session: s, id: st.id, live: l, queue: make(chan []chunk.Outgoing, viewerQueue)}
	st.viewer = v
	s.helper.Go(func() {
		for messages := range v.queue {
			if s.Send(messages...) != nil {
				s.Close()
				return
			}
		}
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.viewers[v] = struct{}{}
	if l.publisher != nil {
		v.begin()
	}
	return nil
}

// begin tells a viewer that the stream runs. The caller holds live.mu.
func (v *viewer) begin() {
	messages := []chunk.Outgoing{event(message.EventStreamBegin, v.id)}
	for _, tag := range v.live.cached {
		messages = append(messages, tagMessage(v.id, tag))
	}
	v.push(messages...)
}

// push queues messages; the caller holds live.mu. A viewer that is too slow is hung up on.
func (v *viewer) push(messages ...chunk.Outgoing) {
	if _, in := v.live.viewers[v]; !in {
		return
	}
	select {
	case v.queue <- messages:
	default:
		v.session.Close()
	}
}

func (v *viewer) leave() {
	v.live.mu.Lock()
	defer v.live.mu.Unlock()
	if _, in := v.live.viewers[v]; in {
		delete(v.live.viewers, v)
		close(v.queue)
	}
}

func (s *Session) publish(st *stream, cmd message.Command) error {
	name, _ := text(cmd.Args, 0)
	kind, _ := text(cmd.Args, 1)
	l := s.server.liveOrNew(name)
	l.mu.Lock()
	if l.publisher != nil {
		l.mu.Unlock()
		return s.status(st.id, "error", "NetStream.Publish.BadName", name+" is being published")
	}
	if err := l.openRecord(kind); err != nil {
		l.mu.Unlock()
		return s.status(st.id, "error", "NetStream.Record.Failed", err.Error())
	}
	l.publisher, l.cached = s, nil
	for v := range l.viewers {
		v.begin()
	}
	l.mu.Unlock()
	s.release(st)
	st.player, st.viewer, st.live = nil, nil, l
	return s.status(st.id, "status", "NetStream.Publish.Start", "Publishing "+name+".")
}

func (l *live) openRecord(kind string) error {
	if l.server.cfg.RecordDir == "" {
		return nil
	}
	file := l.name + ".flv"
	if !filepath.IsLocal(file) {
		return fmt.Errorf("not a file name: %s", file)
	}
	mode := os.O_TRUNC
	if kind == "append" {
		mode = os.O_APPEND
	}
	f, err := os.OpenFile(filepath.Join(l.server.cfg.RecordDir, file), os.O_WRONLY|os.O_CREATE|mode, 0o644)
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err == nil && info.Size() == 0 {
		f.Write(flv.AppendFileHeader(nil, flv.FileHeader{HasAudio: true, HasVideo: true}))
	}
	l.record = f
	return nil
}

// published takes a media message of a publisher.
func (s *Session) published(m *chunk.Message) error {
	s.mu.Lock()
	st := s.streams[m.StreamID]
	s.mu.Unlock()
	if st == nil || st.live == nil {
		return nil
	}
	body := append([]byte{}, m.Body()...)
	if message.Type(m.Type) == message.TypeDataAMF0 {
		d, err := message.ParseData(message.TypeDataAMF0, body)
		if err == nil && d.Name == "@setDataFrame" {
			const marker = 3 + len("@setDataFrame")
			body = body[marker:]
		}
	}
	return st.live.relay(flv.Tag{Type: flv.TagType(m.Type), Timestamp: m.Timestamp, Body: body})
}

func (l *live) relay(tag flv.Tag) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if tag.Type == flv.TagScript || isSequenceHeader(tag) {
		l.cached = append(l.cached[:len(l.cached):len(l.cached)], tag)
		if len(l.cached) > 8 {
			l.cached = l.cached[1:]
		}
	}
	for v := range l.viewers {
		v.push(tagMessage(v.id, tag))
	}
	if l.record != nil && len(tag.Body) > 0 {
		if _, err := l.record.Write(flv.AppendTag(nil, tag)); err != nil {
			return fmt.Errorf("test server: recording: %w", err)
		}
	}
	return nil
}

// unpublish tells everybody that the stream is over.
func (l *live) unpublish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.record != nil {
		l.record.Close()
		l.record = nil
	}
	if publisher := l.publisher; publisher != nil {
		publisher.status(0, "status", "NetStream.Unpublish.Success", l.name+" is over.")
	}
	l.publisher, l.cached = nil, nil
	for v := range l.viewers {
		notify, err := commandMessage(v.id, "onStatus", 0, nil,
			message.StatusObject("status", "NetStream.Play.UnpublishNotify", l.name+" is over."))
		if err == nil {
			v.push(notify, event(message.EventStreamEOF, v.id))
		}
	}
}
