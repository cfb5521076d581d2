package rtmp

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"sync"

	"github.com/go-librtmp/rtmp/internal/session"
)

// core is what a Conn keeps however often it connects, and what its connection, streams and objects share.
type core struct {
	life
	log    *slog.Logger
	counts counts
	clock  clock
	events events
}

// init makes the core of a Conn ready that ends with ctx. Without a logger nothing is logged.
func (k *core) init(ctx context.Context, log *slog.Logger, handlers map[string]HandlerFunc) {
	if k.log = log; k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	k.ctx, k.cancel = context.WithCancel(ctx)
	k.onEnd = k.events.queue.End
	e := &k.events
	e.ctx, e.log, e.dropped, e.ready = k.ctx, k.log, &k.counts.droppedEvents, make(chan struct{})
	e.methods = maps.Clone(handlers)
	maps.DeleteFunc(e.methods, func(_ string, h HandlerFunc) bool { return h == nil })
	e.queue.Panicked = func(err *PanicError) {
		k.log.Error("rtmp: a handler has panicked", "value", err.Value, "stack", string(err.Stack))
		k.fail(err)
	}
}

// fellBack counts that the server minds pipelining.
func (k *core) fellBack(server, why string) {
	k.counts.pipelineFallbacks.Add(1)
	k.log.Warn("rtmp: the server minds pipelining: "+why, "server", server)
}

// life is a Conn's first error, and what ends with it. While there is a session, that has the error first and tells it here.
type life struct {
	ctx    context.Context // ends with the Conn
	cancel context.CancelFunc
	onEnd  func() // called with mu held

	mu      sync.Mutex // guards the rest
	err     error      // first fatal error: sticky
	dialed  net.Conn   // while no session has it
	session *session.Session
	owned   sync.WaitGroup // what Close joins
}

// Err is the error that ended the connection, nil while it lives.
func (l *life) Err() error {
	if l.ctx.Err() == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// fail makes err the Conn's error unless it has one, ends everything that waits, and returns the Conn's error.
func (l *life) fail(err error) error {
	l.mu.Lock()
	if s := l.session; s != nil {
		l.mu.Unlock()
		err = s.Fail(err) // which calls sessionEnded, unless it had ended before it was the Conn's
		l.mu.Lock()
	}
	defer l.mu.Unlock()
	return l.end(err)
}

// end makes err the Conn's error unless it has one, and returns the Conn's error. The caller holds l.mu.
func (l *life) end(err error) error {
	if l.err != nil {
		return l.err
	}
	l.err = err
	if nc := l.dialed; nc != nil {
		l.owned.Go(func() { nc.Close() }) // tunnels and TLS take leave of the server, which may take a moment
	}
	l.cancel()
	l.onEnd()
	return err
}

// dials makes nc the Conn's, instead of one before, until a session begins. It closes nc if the Conn has ended.
func (l *life) dials(nc net.Conn) error {
	l.mu.Lock()
	err := l.err
	if err == nil {
		if given := l.dialed; given != nil {
			l.owned.Go(func() { given.Close() })
		}
		l.dialed = nc
	}
	l.mu.Unlock()
	if err != nil {
		nc.Close()
	}
	return err
}

// begins makes s, on what dials was given last, the Conn's session: it is good for use. Where the Conn has ended, its connection is being
// closed, which is the error.
func (l *life) begins(s *session.Session) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.dialed, l.session = nil, s
	}
	return l.err
}

// sessionEnded ends the Conn with s, if that is its session. meaning is called with l.mu held, and says what err is to the program.
func (l *life) sessionEnded(s *session.Session, err error, meaning func(error) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err = meaning(err); l.session != s {
		return err
	}
	return l.end(err)
}

// join returns when everything that ends with the Conn has.
func (l *life) join() {
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	if s != nil {
		s.Close()
	}
	l.owned.Wait()
}
