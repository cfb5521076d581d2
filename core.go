package rtmp

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"sync"

	"github.com/go-librtmp/rtmp/internal/observe"
	"github.com/go-librtmp/rtmp/internal/session"
)

// core is the part of a Conn that stays the same however often the Conn connects. The connections, streams and shared objects of the Conn
// share it.
type core struct {
	clock  clock
	counts counts
	life
	log      *slog.Logger
	events   events
	observer *observe.Observer // set before anything is read
}

// init prepares a core that ends with ctx. log and handlers may be nil.
func (k *core) init(ctx context.Context, log *slog.Logger, handlers map[string]HandlerFunc) {
	if k.log = log; k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	k.ctx, k.cancel = context.WithCancelCause(ctx)
	k.onEnd = k.events.queue.End
	e := &k.events
	e.ctx, e.log, e.dropped, e.ready = k.ctx, k.log, &k.counts.droppedEvents, make(chan struct{})
	e.methods = maps.Clone(handlers)
	maps.DeleteFunc(e.methods, func(_ string, h HandlerFunc) bool { return h == nil })
	e.queue.Panicked = func(err *PanicError) {
		k.log.Error("rtmp: handler panicked", "value", err.Value, "stack", string(err.Stack))
		k.fail(err)
	}
}

// fellBack counts and logs a step to less pipelining.
func (k *core) fellBack(server, why string) {
	k.counts.pipelineFallbacks.Add(1)
	k.log.Warn("rtmp: pipelining failed: "+why, "server", server)
}

// life ends everything that belongs to a Conn, and keeps the Conn's error: the error of the session or, if connecting fails before there is a
// session, the first error of connecting.
type life struct {
	ctx    context.Context // ends with the Conn; its cause is the Conn's error
	cancel context.CancelCauseFunc
	onEnd  func() // called with mu held
	steps  steps

	mu      sync.Mutex // guards the fields below
	dialed  net.Conn   // the connection, until a session owns it
	session *session.Session
	owned   sync.WaitGroup // Close waits for it
}

// Err returns the error that ended the connection, and nil while it is alive.
func (l *life) Err() error { return context.Cause(l.ctx) }

// fail makes err the Conn's error unless it has one, ends all waits, and returns the Conn's error.
func (l *life) fail(err error) error {
	l.mu.Lock()
	if s := l.session; s != nil {
		l.mu.Unlock()
		err = s.Fail(err) // Fail calls sessionEnded, unless the session ended before it belonged to the Conn
		l.mu.Lock()
	}
	defer l.mu.Unlock()
	return l.end(err)
}

// end makes err the Conn's error unless it has one, and returns the Conn's error. The caller holds l.mu.
func (l *life) end(err error) error {
	if ended := l.Err(); ended != nil {
		return ended
	}
	if nc := l.dialed; nc != nil {
		l.owned.Go(func() { nc.Close() }) // in a goroutine, since closing a tunnel or TLS sends a last message, which may take time
	}
	l.cancel(err)
	l.steps.endAll()
	l.onEnd()
	return err
}

// useConn makes nc the connection of the Conn until a session begins, and closes the previous one. If the Conn has ended, it closes nc.
func (l *life) useConn(nc net.Conn) error {
	l.mu.Lock()
	err := l.Err()
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

// useSession makes s the Conn's session. s uses the connection that was last passed to useConn. If the Conn has ended, useSession returns
// the Conn's error.
func (l *life) useSession(s *session.Session) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.Err()
	if err == nil {
		l.dialed, l.session = nil, s
	}
	return err
}

// sessionEnded ends the Conn if s is its session. It calls meaning, with l.mu held, to turn err into the error that the program sees.
func (l *life) sessionEnded(s *session.Session, err error, meaning func(error) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err = meaning(err); l.session != s {
		return err
	}
	return l.end(err)
}

// join closes the session, and waits for the goroutines that the Conn owns.
func (l *life) join() {
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	if s != nil {
		s.Close()
	}
	l.owned.Wait()
}
