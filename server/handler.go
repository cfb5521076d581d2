package server

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Handler serves streams instead of Live and Files. Each method call has its own goroutine. The stream ends when the method returns. The
// client is then notified that the stream has ended or, if the error is not nil, that its request was refused. The ctx of ServePlay is done
// when the stream ends. The ctx of ServePublish is done only when the connection ends, so that the method can read everything that was
// published before the end of the stream.
//
// The client is notified that its stream has begun when the Handler first reads from or writes to it.
type Handler interface {
	ServePublish(ctx context.Context, s *Stream) error // read s: io.Copy(file, s), or ReadPacket
	ServePlay(ctx context.Context, s *Stream) error    // write s: io.Copy(s, file), or WritePacket
}

// Control is a request of a client that plays, such as seek or pause, that a Handler receives.
type Control struct {
	Kind  string        // ControlSeek, ControlPause and so on
	On    bool          // unused by seek and buffer
	Value time.Duration // used by seek and buffer only
}

// The kinds of Control.
const (
	ControlSeek         = "seek"         // Value is the position
	ControlPause        = "pause"        // On is true for pause, false for resume
	ControlBuffer       = "buffer"       // Value is the size of the client's buffer
	ControlReceiveAudio = "receiveAudio" // On is true if audio must be sent
	ControlReceiveVideo = "receiveVideo" // On is true if video must be sent
)

// maxControls is the maximum number of Controls in the queue of a Handler. When the queue is full, a seek fails, and
// other requests are dropped.
const maxControls = 64

// handling is the activity of a stream that a Handler serves.
type handling struct {
	stream  *netStream
	app     application
	request *Request
	play    *playing // nil if the client publishes
	in      *ingest  // receives the client's media; nil if the client plays
	ctx     context.Context
	cancel  context.CancelFunc
	out     *Stream

	begun    sync.Once
	controls chan Control
	steered  atomic.Bool // Control was called
	ended    atomic.Bool
	gate     gate
	since    time.Time
	bytes    atomic.Uint64 // bytes of message bodies
}

// handle runs the application's Handler for a publisher.
func (p *publication) handle() error {
	h := newHandling(p.stream, p.app, p.request)
	h.in = p.in
	return h.start(p.app.Handler.ServePublish)
}

// handle runs the application's Handler for a player.
func (p *playing) handle() error {
	h := newHandling(p.stream, p.app, p.request)
	h.play = p
	return h.start(p.app.Handler.ServePlay)
}

func newHandling(st *netStream, app application, r *Request) *handling {
	h := &handling{stream: st, app: app, request: r, controls: make(chan Control, maxControls), since: time.Now()}
	h.ctx, h.cancel = context.WithCancel(st.conn.ctx)
	h.gate.init()
	h.out = newStream(h)
	return h
}

func (h *handling) start(serve func(context.Context, *Stream) error) error {
	if !h.stream.begin(h) {
		return errBadPath // impossible, see publication.start
	}
	if h.play != nil {
		h.stream.conn.server.counts.files.Add(1)
	}
	go h.run(serve) // nothing waits for this goroutine, since it runs the program's code, as hooks do
	return nil
}

// run is the Handler's goroutine.
func (h *handling) run(serve func(context.Context, *Stream) error) {
	c, st := h.stream.conn, h.stream
	failed := errors.New("panic")
	c.guard(func() { failed = serve(h.ctx, h.out) })
	h.cancel()
	if h.ended.Swap(true) || c.session.Err() != nil {
		h.ended.Store(true)
		st.finishLater(h)
		return
	}
	switch {
	case failed != nil && h.play != nil:
		st.refuse(failed, message.CodePlayFailed)
	case failed != nil:
		st.refuse(failed, message.CodePublishDenied)
	case h.play != nil:
		h.begin()
		sendEnd(st)
	default:
		h.begin()
		st.status("status", message.CodeUnpublishSuccess, h.request.Name+" is over.")
	}
	if h.in != nil {
		st.dropIngest(h.in)
	}
	st.finishLater(h)
}

// begin notifies the client, once, that the stream has begun.
func (h *handling) begin() {
	h.begun.Do(func() {
		if h.play != nil {
			h.play.notifyStart(session.Event(message.EventStreamBegin, h.stream.id))
			return
		}
		h.stream.status("status", message.CodePublishStart, "Publishing "+h.request.Name+".")
	})
}

func (h *handling) asked() *Request { return h.request }
func (h *handling) over() bool      { return h.ended.Load() }

func (h *handling) release() {
	if h.in != nil {
		h.in.end(io.EOF)
	}
	h.ended.Store(true)
	if h.play != nil {
		h.cancel()
	}
}

func (h *handling) finish() {
	st := StreamStats{Path: h.request.Path, Since: h.since}
	if h.play == nil {
		st.BytesIn = h.bytes.Load()
		h.app.unpublish(h.request, st)
		return
	}
	h.stream.conn.server.counts.files.Add(-1)
	st.BytesOut = h.bytes.Load()
	h.app.stop(h.request, st)
}

// serve passes a player's command to the Handler. If the Handler has not called Control, seek fails, and pause blocks the Handler's writes.
func (h *handling) serve(cmd message.Command) {
	if h.play == nil {
		return
	}
	k := Control{Kind: cmd.Name, On: boolean(cmd.Args, 0, true)}
	switch cmd.Name {
	case "seek":
		ms, _ := number(cmd.Args, 0)
		k.On, k.Value = false, time.Duration(milliseconds(ms))*time.Millisecond
		if !h.steered.Load() || !h.control(k) {
			h.stream.status("error", message.CodeSeekFailed, "this stream does not support seek")
		}
		return
	case "pauseRaw":
		k.Kind = ControlPause
	}
	if k.Kind == ControlPause {
		if !h.steered.Load() {
			h.gate.set(k.On)
		}
		pauseNotified(h.stream, k.On)
	} else {
		receiveNotified(h.stream, k.On)
	}
	h.control(k)
}

func (h *handling) control(k Control) bool {
	select {
	case h.controls <- k:
		return true
	default:
		return false
	}
}

func (h *handling) setBuffer(d time.Duration) { h.control(Control{Kind: ControlBuffer, Value: d}) }

// gate blocks writes while the client has paused the stream.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while writing is allowed
}

func (g *gate) init() {
	g.open = make(chan struct{})
	close(g.open)
}

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		if shut {
			g.open = make(chan struct{})
		}
	default:
		if !shut {
			close(g.open)
		}
	}
}

func (g *gate) passage() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

var (
	errNotPublished = errors.New("rtmp: stream: can't read: the client plays this stream")
	errNotPlayed    = errors.New("rtmp: stream: can't write: the client publishes this stream")
)
