// Package live makes a session with a server and tells what happens in it.
package live

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/event"
)

// Options say what to do.
type Options struct {
	URL     string // with librtmp's options after it
	RTMP    rtmp.Options
	Publish bool          // publish the sample instead of playing
	For     time.Duration // how long to watch
}

// Plain is the URL without the options after it.
func (o Options) Plain() string {
	plain, _, _ := strings.Cut(o.URL, " ")
	return plain
}

// Result is what is known when the session is over.
type Result struct {
	Err        error // what has ended it before its time: io.EOF if the server has ended the stream; nil: nothing
	Opened     bool  // the server has agreed to play or publish
	Stats      rtmp.Stats
	Watched    time.Duration
	BytesRead  uint64 // while watching
	BytesWrote uint64
}

// Run makes a session and watches it.
func Run(ctx context.Context, o Options, sink event.Sink) Result {
	t := &tracer{began: time.Now(), sink: sink}
	if u, err := rtmp.ParseURL(o.Plain()); err == nil {
		t.host, t.port = u.Host, u.EffectivePort()
	}
	o.RTMP.Trace = t.trace()
	var r Result
	c, err := rtmp.Dial(t.context(ctx), o.URL, &o.RTMP)
	if err == nil {
		err = r.use(ctx, c, o)
	}
	r.Err = err
	t.add(&event.Event{Kind: event.Ended, Err: err})
	t.end()
	return r
}

// use opens the stream and watches it.
func (r *Result) use(ctx context.Context, c *rtmp.Conn, o Options) error {
	defer func() { r.Stats = c.Stats() }()
	defer c.Close()
	s, err := c.CreateStream(ctx, &rtmp.StreamOptions{Writable: o.Publish})
	if err != nil {
		return err
	}
	r.Opened = true
	before, began := c.Stats(), time.Now()
	ctx, cancel := context.WithTimeout(ctx, o.For)
	defer cancel()
	defer s.Bind(ctx)()
	if o.Publish {
		err = publish(ctx, s)
	} else {
		err = play(c, s)
	}
	after := c.Stats()
	r.Watched = time.Since(began)
	r.BytesRead, r.BytesWrote = after.BytesRead-before.BytesRead, after.BytesWritten-before.BytesWritten
	if ctx.Err() != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return nil // enough was seen, or the user has seen enough
	}
	return err
}

// play reads until the stream ends. A server that sends nothing for long is watched on.
func play(c *rtmp.Conn, s *rtmp.Stream) error {
	var p rtmp.Packet
	for {
		if err := s.ReadPacket(&p); err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || c.Err() != nil) {
			return err
		}
	}
}

// tracer makes events of what the library traces.
type tracer struct {
	began time.Time
	host  string // the server's
	port  uint16

	mu       sync.Mutex
	sink     event.Sink // nil: the session is over
	attempts int
	resolved string // the host that was resolved last
}

func (t *tracer) add(e *event.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sink != nil {
		e.At = time.Since(t.began)
		t.sink.Add(e)
	}
}

func (t *tracer) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sink = nil
}
