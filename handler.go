package rtmp

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// ctxBackground is for calls that want a context and have none.
var ctxBackground = context.Background()

const (
	// maxInvocationBytes bounds what waits for the program's handlers and what they are at, in bytes of memory. Beyond it is only
	// one message that came when nothing else was there.
	maxInvocationBytes = 16 << 20
	// invocationSize is what an entry of the queue takes beside its arguments.
	invocationSize = 256
)

// HandlerFunc serves a method that the server calls. args are the values behind the command object. When the server asked
// for an answer, it gets the result (nil as null), or an _error with err's text. ctx ends with the Conn.
//
// Calls wait for the handler before them as long as together they take no more than 16 MiB of memory. Those beyond are
// answered with an _error, where the server asked for an answer, and counted in Stats.DroppedEvents.
type HandlerFunc func(ctx context.Context, args []any) (any, error)

// handlers runs the program's handlers, one at a time and in the order of arrival, on a goroutine of its own: never on
// the reader, so that a handler may use the Conn like anybody else.
type handlers struct {
	mu      sync.Mutex
	methods map[string]HandlerFunc
	waiting map[string][]*invokeWait
	queue   []invocation
	bytes   int // of queue, and of what runs
	running bool
}

// invocation is something that the handlers' goroutine has to do.
type invocation struct {
	run  func()
	size int // bytes of memory that run holds
}

// invokeWait is one WaitInvoke.
type invokeWait struct {
	args []any
	done chan struct{}
}

// InvokeHandler makes h serve the method of that name, which may have dots. nil removes the handler. What the server calls
// right after it has accepted connect may come before a program gets to this: see Options.Handlers. The goroutine that runs
// handlers reads nothing: see Conn for who does.
func (c *Conn) InvokeHandler(method string, h HandlerFunc) {
	t := &c.invoked
	t.mu.Lock()
	defer t.mu.Unlock()
	if h == nil {
		delete(t.methods, method)
		return
	}
	if t.methods == nil {
		t.methods = make(map[string]HandlerFunc)
	}
	t.methods[method] = h
}

// WaitInvoke waits until the server calls method and returns the arguments. Only a call that arrives while it waits
// counts; a handler for the method runs as well. It is bounded by ctx alone.
func (c *Conn) WaitInvoke(ctx context.Context, method string) ([]any, error) {
	if !c.started.Load() {
		return nil, ErrNotConnected
	}
	w := &invokeWait{done: make(chan struct{})}
	t := &c.invoked
	t.mu.Lock()
	if t.waiting == nil {
		t.waiting = make(map[string][]*invokeWait)
	}
	t.waiting[method] = append(t.waiting[method], w)
	t.mu.Unlock()
	arrived := func() bool {
		select {
		case <-w.done:
			return true
		default:
			return false
		}
	}
	err := c.await(&waiter{what: "wait for " + method, ctx: ctx, ready: arrived, wake: w.done})
	if arrived() {
		return w.args, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.waiting[method] {
		if other == w {
			t.waiting[method] = append(t.waiting[method][:i], t.waiting[method][i+1:]...)
			break
		}
	}
	return nil, err
}

// arrived queues the server's call, if it concerns anybody. known says that the library has dealt with it already.
func (t *handlers) arrived(c *Conn, cmd *message.Command, known bool) {
	t.mu.Lock()
	h := t.methods[cmd.Name]
	waits := t.waiting[cmd.Name]
	delete(t.waiting, cmd.Name)
	t.mu.Unlock()
	for _, w := range waits {
		w.args = cmd.Args
		close(w.done)
	}
	id := cmd.TransactionID
	if known {
		id = 0 // it has got its answer
	}
	who := writer{ctx: ctxBackground, connection: c.out.connection.Load(), only: true, replies: true}
	queued := true
	switch name, args := quote.Peer(cmd.Name), cmd.Args; {
	case h != nil:
		queued = t.run(c, amf.Size(cmd.Object, args), func() { // args are of the same array as the object
			result, err := h(c.handlerContext(), args)
			if id != 0 {
				c.answer(who, name, id, result, err)
			}
		})
	case id == 0:
	case len(waits) > 0:
		queued = t.run(c, 0, func() { c.answer(who, name, id, nil, nil) })
	default:
		queued = t.run(c, len(name), func() { c.answer(who, name, id, nil, fmt.Errorf("method %s is not known", name)) })
	}
	if !queued {
		c.dropped(1, cmd.Name)
		if id != 0 {
			c.replyCommand(&message.Command{Name: "_error", TransactionID: id, Args: []any{
				message.StatusObject("error", "NetConnection.Call.Failed", "too many calls wait for their handlers")}})
		}
	}
}

// dropped counts what the program is not told.
func (c *Conn) dropped(events int, what string) {
	c.counts.droppedEvents.Add(uint64(events))
	c.log.Debug("rtmp: dropped what finds no room in the handlers' queue", "events", events, "what", quote.Peer(what))
}

// run queues f, which holds size bytes, for the handler goroutine. It reports false if there is no room.
func (t *handlers) run(c *Conn, size int, f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	size += invocationSize
	if t.bytes > 0 && t.bytes+size > maxInvocationBytes {
		return false
	}
	t.bytes += size
	t.queue = append(t.queue, invocation{run: f, size: size})
	if !t.running {
		t.running = true
		go t.serve(c) // not joined by Close, which a handler may call; it ends with the queue or the Conn
	}
	return true
}

func (t *handlers) serve(c *Conn) {
	for {
		t.mu.Lock()
		if len(t.queue) == 0 || c.Err() != nil {
			t.running, t.queue, t.bytes = false, nil, 0
			t.mu.Unlock()
			return
		}
		next := t.queue[0]
		t.queue[0] = invocation{} // so that it is not kept by what comes after it
		t.queue = t.queue[1:]
		t.mu.Unlock()
		next.run()
		t.mu.Lock()
		t.bytes -= next.size
		t.mu.Unlock()
	}
}

// answer sends the outcome of a handler, on the connection on which it was asked for.
func (c *Conn) answer(who writer, method string, id float64, result any, err error) {
	cmd := message.Command{Name: "_result", TransactionID: id, Args: []any{result}}
	if err == nil {
		o, bad := session.Command(session.ChunkStreamCommand, 0, &cmd)
		if bad == nil {
			c.sendFor(who, o)
			return
		}
		err = fmt.Errorf("result of %s: %w", method, bad)
	}
	cmd.Name = "_error"
	var refused *StatusError
	if errors.As(err, &refused) {
		cmd.Args = []any{message.StatusObject("error", refused.Code, refused.Description)}
	} else {
		cmd.Args = []any{message.StatusObject("error", "NetConnection.Call.Failed", err.Error())}
	}
	if o, bad := session.Command(session.ChunkStreamCommand, 0, &cmd); bad == nil {
		c.sendFor(who, o)
	}
}

// handlerContext is a context that ends with the Conn.
func (c *Conn) handlerContext() context.Context { return doneContext{Context: ctxBackground, c: c} }

type doneContext struct {
	context.Context
	c *Conn
}

func (d doneContext) Done() <-chan struct{} { return d.c.done }

func (d doneContext) Err() error {
	if d.c.Err() != nil {
		return context.Canceled
	}
	return nil
}
