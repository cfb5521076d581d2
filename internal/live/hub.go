package live

import "context"

// Config is what all streams of a Hub have in common.
type Config struct {
	// ChunkSize is the chunk size in bytes that has been announced to all RTMP players; 0: 65536.
	ChunkSize int
}

// Hub holds the streams, by path. Its methods may be called from any goroutine.
type Hub struct{}

// NewHub returns a Hub without streams.
func NewHub(c Config) *Hub { panic("TODO") }

// PublishOptions say who publishes, and by which rules.
type PublishOptions struct {
	Policy Policy
	User   string // proved by credentials, "": none
	Host   string // where the publisher is, without a port, "": unknown
	Owner  string // what StreamStats.Publisher says of it

	// Ended is called, at most once and on a goroutine of its own, when the hub ends the publisher: with ErrReplaced, ErrIdle,
	// ErrBitrate or ErrClosed. It is not called after Publisher.Close. Hub.Close waits for it. It may be nil.
	Ended func(err error)
}

// Publish makes the caller the publisher of a path. Players that are there stay, and the stream's time goes on. The error is
// ErrPublished if there is a publisher already that the rules (those of the newcomer) let stay, or ErrClosed.
func (h *Hub) Publish(path string, o PublishOptions) (*Publisher, error) { panic("TODO") }

// Play lets s play a path. It returns at once, with ErrNotFound if nobody is publishing and o.Await is negative, or ErrClosed; s is
// used on goroutines of the hub until Player.Close.
func (h *Hub) Play(path string, s Sink, o PlayOptions) (*Player, error) { panic("TODO") }

// Subscribe is Play for callers with a goroutine of their own, who fetch the messages. Begun, Ended, StreamID of o are not used.
func (h *Hub) Subscribe(path string, o PlayOptions) (*Subscriber, error) { panic("TODO") }

// Published reports whether somebody is publishing a path.
func (h *Hub) Published(path string) bool { panic("TODO") }

// Stats describes every stream that has a publisher, or had one and still has players, in the order of their paths.
func (h *Hub) Stats() []StreamStats { panic("TODO") }

// Shutdown ends all streams without lingering: publishers are told ErrClosed, and players ErrClosed when they have been given
// everything that is in the log. It returns when all players have been told, or with ctx's error; Close has still to be called.
func (h *Hub) Shutdown(ctx context.Context) error { panic("TODO") }

// Close ends everything, with ErrClosed, and returns when every goroutine of the hub has ended: Sinks must have failed or be about
// to. Nothing can be published and played afterwards.
func (h *Hub) Close() { panic("TODO") }
