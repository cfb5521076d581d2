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

// HandlerFunc serves a method that the server calls. args are the values behind the command object. When the server asked
// for an answer, it gets the result (nil as null), or an _error with err's text. ctx ends with the Conn.
//
// Calls wait for the handler before them as long as together they take no more than 16 MiB of memory. Those beyond are
// answered with an _error, where the server asked for an answer, and counted in Stats.DroppedEvents.
type HandlerFunc func(ctx context.Context, args []any) (any, error)

// handlers are the program's handlers by method, and who waits for the server to call one.
type handlers struct {
	mu      sync.Mutex
	methods map[string]HandlerFunc
	waiting map[string][]*invokeWait
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
	err := c.session.Await(ctx, "wait for "+method, w.done)
	select {
	case <-w.done:
		return w.args, nil
	default:
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

// called queues the server's call, if it concerns anybody. known says that the library has dealt with it already.
func (k *client) called(cmd *message.Command, known bool) {
	c, t := k.conn, &k.conn.invoked
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
	queued := true
	switch name, args := quote.Peer(cmd.Name), cmd.Args; {
	case h != nil:
		queued = c.handlers.Run(amf.Size(cmd.Object, args), func() { // args are of the same array as the object
			result, err := h(c.ctx, args)
			if id != 0 {
				k.session.Answer(name, id, result, err)
			}
		})
	case id == 0:
	case len(waits) > 0:
		queued = c.handlers.Run(0, func() { k.session.Answer(name, id, nil, nil) })
	default:
		queued = c.handlers.Run(len(name), func() { k.session.Answer(name, id, nil, fmt.Errorf("method %s is not known", name)) })
	}
	if !queued {
		c.dropped(1, cmd.Name)
		if id != 0 {
			k.session.Reply(session.CallFailed(id, errors.New("too many calls wait for their handlers")))
		}
	}
}

// dropped counts what the program is not told.
func (c *Conn) dropped(events int, what string) {
	c.counts.droppedEvents.Add(uint64(events))
	c.log.Debug("rtmp: dropped what finds no room in the handlers' queue", "events", events, "what", quote.Peer(what))
}
