package live

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/chunk"
)

const defaultChunkSize = 65536

// Config is the configuration of a Hub.
type Config struct {
	// ChunkSize is the chunk size in bytes that is announced to all RTMP players. 0 means 65536.
	ChunkSize int
}

// Hub contains the live streams, by path. Its methods may be called from any goroutine.
type Hub struct {
	chunkSize int
	epoch     time.Time
	running   sync.WaitGroup // all goroutines and alarms

	mu         sync.Mutex // guards everything below
	streams    map[string]*stream
	members    map[member]struct{} // players and subscribers that have not left, and have not been informed of their end
	uninformed int                 // number of publishers that are being informed of their end
	closed     bool
	drained    chan struct{} // closed when the Hub is closed, has no members, and has informed all publishers
}

// NewHub returns a Hub without streams.
func NewHub(c Config) *Hub {
	size := c.ChunkSize
	if size <= 0 {
		size = defaultChunkSize
	}
	return &Hub{chunkSize: min(size, chunk.MaxMessageLength), epoch: time.Now(),
		streams: make(map[string]*stream), members: make(map[member]struct{}), drained: make(chan struct{})}
}

// now returns the time since the Hub was made.
func (h *Hub) now() time.Duration { return time.Since(h.epoch) }

// stream returns the stream of a path, after making it if there is none. The caller holds h.mu and must add a publisher or a player to the
// stream.
func (h *Hub) stream(path string) *stream {
	s := h.streams[path]
	if s == nil {
		s = newStream(h, path)
		h.streams[path] = s
	}
	return s
}

// PublishOptions describe a publisher.
type PublishOptions struct {
	Policy Policy
	User   string // the name under which the publisher has authenticated; "" if it has not
	Host   string // the publisher's address without the port; "" if unknown
	Owner  string // shown as StreamStats.Publisher

	// Ended is called when the hub ends the publisher, with ErrReplaced, ErrIdle, ErrBitrate or ErrShutdown. It is not
	// called after Publisher.Close. It is called at most once, on its own goroutine, and Hub.Close waits for it. It
	// may be nil.
	Ended func(err error)
}

// Publish makes the caller the publisher of a path. If the path has players, they stay, and the stream's time continues. The error is
// ErrPublished if o.Policy does not allow the caller to replace the path's present publisher, or ErrClosed.
func (h *Hub) Publish(path string, o PublishOptions) (*Publisher, error) {
	o.Policy = o.Policy.resolved()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	s := h.stream(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.publisher; old != nil {
		if !o.Policy.replaces(&old.options, &o, h.now()-old.heard()) {
			return nil, ErrPublished
		}
		s.unpublish(ErrReplaced, true)
	}
	s.linger.stop()
	s.linger = nil
	p := newPublisher(s, o)
	s.publisher, s.newest, s.policy = p, p, o.Policy
	s.log.video = false
	s.wake() // wake the waiting players
	return p, nil
}

// Play makes sink a player of a path. It does not block. The error is ErrNotFound if there is no publisher and o.Await is negative,
// or ErrClosed. The hub uses sink on its goroutines until Player.Close.
func (h *Hub) Play(path string, sink Sink, o PlayOptions) (*Player, error) {
	p := newPlayer(sink, o)
	if err := h.join(path, p, o); err != nil {
		return nil, err
	}
	return p, nil
}

// Subscribe is like Play, for a caller that fetches the messages itself. It ignores o.Begun, o.Ended and o.StreamID.
func (h *Hub) Subscribe(path string, o PlayOptions) (*Subscriber, error) {
	s := newSubscriber(o.Deliver)
	if err := h.join(path, s, o); err != nil {
		return nil, err
	}
	return s, nil
}

// join makes m a member of a path.
func (h *Hub) join(path string, m member, o PlayOptions) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	if s := h.streams[path]; o.Await < 0 && (s == nil || s.publisher == nil) {
		return ErrNotFound
	}
	s := h.stream(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := m.common()
	r.stream, r.since, r.aside = s, time.Now(), o.Aside
	r.cursor.noAudio, r.cursor.noVideo = o.NoAudio, o.NoVideo
	r.cursor.join(&s.log, !o.NoCache)
	r.position.Store(r.cursor.next)
	if o.Await > 0 && s.newest == nil {
		r.await = newAlarm(&h.running, o.Await, func() {
			if published, _, _ := s.state(); !published {
				m.cut(ErrNotFound)
			}
		})
	}
	s.add(m)
	return nil
}

// removeMember removes a member from h.members.
func (h *Hub) removeMember(m member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.members, m)
	h.drain()
}

// publisherInformed records that one of the uninformed publishers has been informed of its end.
func (h *Hub) publisherInformed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.uninformed--
	h.drain()
}

// drain closes h.drained, so that Shutdown returns, if all publishers and members have been informed of their end. The caller holds h.mu.
func (h *Hub) drain() {
	if !h.closed || len(h.members) > 0 || h.uninformed > 0 {
		return
	}
	select {
	case <-h.drained:
	default:
		close(h.drained)
	}
}

// Published reports whether a path has a publisher.
func (h *Hub) Published(path string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[path]
	return s != nil && s.publisher != nil // this needs only h.mu, since publisher is written with both locks held
}

// Stats returns the counters of every stream that has a publisher, or had one and still has players, sorted by path.
func (h *Hub) Stats() []StreamStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]StreamStats, 0, len(h.streams))
	for _, s := range h.streams {
		s.mu.Lock()
		if s.newest != nil {
			all = append(all, s.stats(s.newest, s.traffic()))
		}
		s.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b StreamStats) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// Shutdown ends all streams without lingering. Publishers end with ErrShutdown at once, and players end with ErrClosed when they have
// received everything in the log. Shutdown returns when all publishers and players have been informed and all subscribers are closed, or
// with ctx's error. Close must be called afterwards.
func (h *Hub) Shutdown(ctx context.Context) error {
	h.endAll()
	select {
	case <-h.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// endAll ends all streams and refuses new members.
func (h *Hub) endAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, s := range h.streams {
		s.mu.Lock()
		if s.publisher != nil {
			s.unpublish(ErrShutdown, true)
		}
		s.end(ErrClosed)
		s.mu.Unlock()
	}
	h.drain()
}

// Close ends everything with ErrClosed, and returns when all goroutines of the hub have ended. It waits for calls of Sinks, so the caller
// must make all Sinks fail. Nothing can be published or played afterwards.
func (h *Hub) Close() {
	h.endAll()
	h.mu.Lock()
	members := make([]member, 0, len(h.members))
	for m := range h.members {
		members = append(members, m)
	}
	h.mu.Unlock()
	for _, m := range members {
		m.cut(ErrClosed)
	}
	h.running.Wait()
}
