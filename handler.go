package rtmp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/method"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// HandlerFunc serves a method that the server calls. args are the values after the command object. When the server asked
// for an answer, it gets the result (nil as null), or an _error with err's text. ctx ends with the Conn, which [FromContext] returns.
//
// Calls wait for the handler before them as long as together they take no more than 16 MiB of memory. Those beyond are
// answered with an _error, where the server asked for an answer, and counted in Stats.DroppedEvents.
//
// A handler that panics ends its Conn, with a *PanicError, and nothing else of the program. So does Options.OnStatus, and the
// function of SharedObject.Handle.
type HandlerFunc func(ctx context.Context, args []any) (any, error)

// Func makes a HandlerFunc of any function, such as func(a, b float64) float64: the arguments of the call are converted to
// the parameters' types as amf.Assign does, and the result back as amf.AppendAMF0 does. The first parameter may be a
// context.Context, which ends with the Conn; the last result may be an error, which is sent as an _error. A variadic
// function takes any number of arguments more. A call with other arguments is answered with an _error that says which one
// does not fit, and fn is not called.
//
// A struct is an object whose members are the exported fields, under their Go names, "Name", or that of a tag: `amf0:"name"`, or
// `amf0:"name,omitempty"` for one that is left out when empty; `amf0:"-"` is neither sent nor set. Members without a field are skipped,
// fields without a member keep their zero value.
//
// Func panics at once if fn is not a function, has more than one result beside the error, or a parameter or result that no
// AMF value can be: a channel, a function, a complex number, an interface other than any.
func Func(fn any) HandlerFunc {
	f, err := method.Adapt(fn)
	if err != nil {
		panic("rtmp: Func: " + err.Error())
	}
	return f
}

// events are what the server tells the program: calls of its methods, statuses, changes of shared objects. All are told by the
// goroutine of queue.
type events struct {
	ctx     context.Context // the handlers'
	log     *slog.Logger
	dropped *atomic.Uint64 // counts what the program is not told
	queue   session.Callbacks
	ready   chan struct{} // closed when handlers may run: with pipelining once Connect has succeeded

	mu      sync.Mutex // guards the rest
	methods map[string]HandlerFunc
	waiting map[string][]*invokeWait
}

// invokeWait is one WaitInvoke.
type invokeWait struct {
	args []any
	done chan struct{}
}

// handle makes h serve a method; nil: nobody does.
func (e *events) handle(method string, h HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h == nil {
		delete(e.methods, method)
		return
	}
	if e.methods == nil {
		e.methods = make(map[string]HandlerFunc)
	}
	e.methods[method] = h
}

// wait registers a waiter for calls of method. leave ends that.
func (e *events) wait(method string) (w *invokeWait, leave func()) {
	w = &invokeWait{done: make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting == nil {
		e.waiting = make(map[string][]*invokeWait)
	}
	e.waiting[method] = append(e.waiting[method], w)
	return w, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		left := slices.DeleteFunc(e.waiting[method], func(other *invokeWait) bool { return other == w })
		if e.waiting[method] = left; len(left) == 0 {
			delete(e.waiting, method)
		}
	}
}

// called queues a call that came over s, if it concerns anybody. known says that the library has dealt with it already. Called by the
// reader.
func (e *events) called(s *session.Session, cmd *message.Command, known bool) {
	e.mu.Lock()
	h := e.methods[cmd.Name]
	waits := e.waiting[cmd.Name]
	delete(e.waiting, cmd.Name)
	e.mu.Unlock()
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
		queued = e.queue.Run(amf.Size(cmd.Object, args), func() { // args are of the same array as the object
			e.awaitReady()
			result, err := h(e.ctx, args)
			if id != 0 {
				s.Answer(name, id, result, err)
			}
		})
	case id == 0:
	case len(waits) > 0:
		queued = e.queue.Run(0, func() { s.Answer(name, id, nil, nil) })
	default:
		queued = e.queue.Run(len(name), func() { s.Answer(name, id, nil, fmt.Errorf("method %s is not known", name)) })
	}
	if !queued {
		e.drop(1, cmd.Name)
		if id != 0 {
			s.Reply(session.CallFailed(id, errors.New("too many calls wait for their handlers")))
		}
	}
}

// awaitReady returns once the program's handlers can use the Conn, which is when Connect returns, or has ended.
func (e *events) awaitReady() {
	select {
	case <-e.ready:
	case <-e.ctx.Done():
	}
}

// tell queues f, which tells the program of what and holds size bytes, unless there is no room.
func (e *events) tell(size int, what string, f func()) {
	if !e.queue.Run(size, func() { e.awaitReady(); f() }) {
		e.drop(1, what)
	}
}

// drop counts what the program is not told.
func (e *events) drop(events int, what string) {
	e.dropped.Add(uint64(events))
	e.log.Debug("rtmp: dropped what finds no room in the handlers' queue", "events", events, "what", quote.Peer(what))
}
