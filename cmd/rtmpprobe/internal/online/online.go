// Package online runs a session with a server and reports its events.
package online

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

// Options are the options of a session.
type Options struct {
	URL     string // the URL, followed by librtmp's options
	RTMP    rtmp.Options
	Publish bool          // publish the sample instead of playing
	For     time.Duration // how long to watch
}

// Plain is the URL without the options after it.
func (o Options) Plain() string {
	plain, _, _ := strings.Cut(o.URL, " ")
	return plain
}

// Result describes a session after its end.
type Result struct {
	Err        error // the error that ended the session early; io.EOF if the server ended the stream
	Opened     bool  // the server has agreed to play or publish
	Stats      rtmp.Stats
	Watched    time.Duration
	BytesRead  uint64 // while watching
	BytesWrote uint64
}

// Run runs a session and watches it.
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
		return nil // the time to watch is over, or the user has interrupted the session
	}
	return err
}

// play reads until the stream ends, even if the server is silent for a long time.
func play(c *rtmp.Conn, s *rtmp.Stream) error {
	var p rtmp.Packet
	for {
		if err := s.ReadPacket(&p); err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || c.Err() != nil) {
			return err
		}
	}
}

type tracer struct {
	began time.Time
	host  string // the server's host
	port  uint16

	mu       sync.Mutex
	sink     event.Sink // nil after the session has ended
	attempts int
	resolved string // the last host that was resolved
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
