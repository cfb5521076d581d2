package testserver

import (
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// How far a viewer may lag behind before it is dropped, so that it can't hold up the publisher.
const (
	viewerMessages = 2048
	viewerBytes    = 32 << 20
)

// hub relays live streams. It never waits for a client: what viewers get is queued.
type hub struct {
	cfg Config

	mu      sync.Mutex // guards everything below, and the fields of live and viewer
	streams map[string]*live
}

// live is a stream with a publisher, viewers, or both.
type live struct {
	name      string
	publisher *Session
	id        uint32 // the publisher's message stream
	viewers   map[*viewer]struct{}
	headers   flv.Headers // for viewers that come later
	record    *recorder
}

// viewer is a player of a live stream.
type viewer struct {
	session *Session
	id      uint32
	live    *live
	paused  bool
	queue   chan []chunk.Outgoing // closed by leave
	queued  atomic.Int64          // bytes
}

func newHub(cfg Config) *hub { return &hub{cfg: cfg, streams: make(map[string]*live)} }

// published reports whether somebody publishes a stream of that name.
func (h *hub) published(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.streams[name]
	return l != nil && l.publisher != nil
}

// stream returns the stream of that name. The caller holds h.mu and gives it a publisher or a viewer.
func (h *hub) stream(name string) *live {
	l := h.streams[name]
	if l == nil {
		l = &live{name: name, viewers: make(map[*viewer]struct{})}
		h.streams[name] = l
	}
	return l
}

// forget drops a stream that nobody is at. The caller holds h.mu.
func (h *hub) forget(l *live) {
	if l.publisher == nil && len(l.viewers) == 0 && h.streams[l.name] == l {
		delete(h.streams, l.name)
	}
}

// view plays a live stream, whether it is there already or not.
func (s *Session) view(st *stream, name string, args []any) error {
	messages, err := begun(st.id, args)
	if err != nil {
		return err
	}
	v := &viewer{session: s, id: st.id, queue: make(chan []chunk.Outgoing, viewerMessages)}
	st.viewer = v
	s.helper.Go(v.run)
	s.server.hub.join(v, name, messages)
	return nil
}

// run sends what is queued until leave.
func (v *viewer) run() {
	for messages := range v.queue {
		if v.session.Send(messages...) != nil {
			v.session.Close()
			return
		}
		v.queued.Add(-size(messages))
	}
}

// join makes v a viewer, and sends begun: from then on it misses nothing of what is published.
func (h *hub) join(v *viewer, name string, begun []chunk.Outgoing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v.live = h.stream(name)
	v.live.viewers[v] = struct{}{}
	v.push(begun...)
	if v.live.publisher != nil {
		v.push(append([]chunk.Outgoing{session.Event(message.EventStreamBegin, v.id)}, v.headers()...)...)
	}
}

// leave ends a viewer, which must have joined, once.
func (h *hub) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(v.live.viewers, v)
	close(v.queue)
	h.forget(v.live)
}

// pause makes a viewer miss what comes until it goes on.
func (h *hub) pause(v *viewer, on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v.paused && !on && v.live.publisher != nil {
		v.push(append([]chunk.Outgoing{session.Event(message.EventStreamBegin, v.id)}, v.headers()...)...)
	}
	v.paused = on
}

// headers are the messages that a viewer needs before the rest. The caller holds hub.mu.
func (v *viewer) headers() (messages []chunk.Outgoing) {
	for tag := range v.live.headers.All() {
		messages = append(messages, tagMessage(v.id, tag))
	}
	return messages
}

// push queues messages, and hangs up on a viewer that is too slow. The caller holds hub.mu.
func (v *viewer) push(messages ...chunk.Outgoing) {
	n := size(messages)
	if queued := v.queued.Add(n); queued > viewerBytes && queued > n {
		v.session.Close()
		return
	}
	select {
	case v.queue <- messages:
	default:
		v.session.Close()
	}
}

func size(messages []chunk.Outgoing) (n int64) {
	for i := range messages {
		n += int64(len(messages[i].Body))
	}
	return n
}
