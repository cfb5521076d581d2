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

// Config is what all streams of a Hub have in common.
type Config struct {
	// ChunkSize is the chunk size in bytes that has been announced to all RTMP players; 0: 65536.
	ChunkSize int
}

// Hub holds the streams, by path. Its methods may be called from any goroutine.
type Hub struct {
	chunkSize int
	epoch     time.Time
	running   sync.WaitGroup // everything that runs

	mu      sync.Mutex // guards everything below
	streams map[string]*stream
	members map[member]struct{} // all players that have not been told of their end, or left
	closed  bool
	drained chan struct{} // closed when closed and without members
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

// now is the time since the Hub was made.
func (h *Hub) now() time.Duration { return time.Since(h.epoch) }

// stream returns the stream of a path, a new one if there is none. The caller holds h.mu and gives it a publisher or a player.
func (h *Hub) stream(path string) *stream {
	s := h.streams[path]
	if s == nil {
		s = newStream(h, path)
		h.streams[path] = s
	}
	return s
}

// PublishOptions say who publishes, and by which rules.
type PublishOptions struct {
	Policy Policy
	User   string // proved by credentials, "": none
	Host   string // where the publisher is, without a port, "": unknown
	Owner  string // what StreamStats.Publisher says of it

	// Ended is called, at most once and on a goroutine of its own, when the hub ends the publisher: with ErrReplaced, ErrIdle,
	// ErrBitrate or ErrClosed. Who calls Publisher.Close first is not told. Hub.Close waits for it. It may be nil.
	Ended func(err error)
}

// Publish makes the caller the publisher of a path. Players that are there stay, and the stream's time goes on. The error is
// ErrPublished if there is a publisher already that the rules (those of the newcomer) let stay, or ErrClosed.
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
	s.wake() // those who have waited
	return p, nil
}

// Play lets sink play a path. It returns at once, with ErrNotFound if nobody is publishing and o.Await is negative, or ErrClosed; sink
// is used on goroutines of the hub until Player.Close.
func (h *Hub) Play(path string, sink Sink, o PlayOptions) (*Player, error) {
	p := newPlayer(sink, o)
	if err := h.join(path, p, o); err != nil {
		return nil, err
	}
	return p, nil
}

// Subscribe is Play for callers with a goroutine of their own, who fetch the messages. Begun, Ended, StreamID of o are not used.
func (h *Hub) Subscribe(path string, o PlayOptions) (*Subscriber, error) {
	s := newSubscriber(o.Deliver)
	if err := h.join(path, s, o); err != nil {
		return nil, err
	}
	return s, nil
}

// join makes m one of those who are at a path.
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
	r.stream, r.since = s, time.Now()
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

// gone forgets a member.
func (h *Hub) gone(m member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.members, m)
	h.drain()
}

// drain tells Shutdown when no member is left. The caller holds h.mu.
func (h *Hub) drain() {
	if !h.closed || len(h.members) > 0 {
		return
	}
	select {
	case <-h.drained:
	default:
		close(h.drained)
	}
}

// Published reports whether a path is being published.
func (h *Hub) Published(path string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[path]
	return s != nil && s.publisher != nil // which is written with both locks held
}

// Stats describes every stream that has a publisher, or had one and still has players, in the order of their paths.
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

// Shutdown ends all streams without lingering: publishers are told ErrClosed, and players ErrClosed when they have been given
// everything that is in the log. It returns when all players have been told, and subscribers were closed, or with ctx's error; Close
// has still to be called.
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
			s.unpublish(ErrClosed, true)
		}
		s.end(ErrClosed)
		s.mu.Unlock()
	}
	h.drain()
}

// Close ends everything, with ErrClosed, and returns when every goroutine of the hub has ended: Sinks must have failed or be about
// to. Nothing can be published and played afterwards.
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
