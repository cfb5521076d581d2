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

// HandlerFunc serves a method that the server calls. args are the values after the command object. If the server has asked for an
// answer, it receives the result, with nil as null, or an _error with the text of the error. A *StatusError sets the code of the
// _error as well. ctx ends with the Conn, which [FromContext] returns.
//
// Handlers of a Conn run one after the other. Calls that wait may take 16 MiB of memory together. Further calls are answered with an
// _error, if the server has asked for an answer, and counted in Stats.DroppedEvents.
//
// If a handler panics, its Conn ends with a *PanicError, and the program continues. The same holds for Options.OnStatus and the function
// of SharedObject.Handle.
type HandlerFunc func(ctx context.Context, args []any) (any, error)

// Func makes a HandlerFunc of a function such as func(a, b float64) float64. The arguments of a call are converted to the types of
// the parameters as amf.Assign does, and the result is encoded as amf.AppendAMF0 does. The first parameter may be a
// context.Context, which ends with the Conn. The last result may be an error, which is sent as an _error. A variadic
// function takes any number of further arguments. If an argument does not fit, fn is not called, and the _error says which one.
//
// A struct is an object whose members are the exported fields, by their Go names or those of tags: `amf0:"name"`,
// `amf0:"name,omitempty"` to leave out a zero value, and `amf0:"-"` to neither send nor set the field. Members without a field are
// skipped, and fields without a member keep their zero value.
//
// Func panics if fn is not a function, has more than one result besides the error, or has a parameter or result that no
// AMF value fits: a channel, a function, a complex number, or an interface other than any.
func Func(fn any) HandlerFunc {
	f, err := method.Adapt(fn)
	if err != nil {
		panic("rtmp: Func: " + err.Error())
	}
	return f
}

// events passes calls, statuses and changes of shared objects from the server to the program's functions, which
// run on the goroutine of queue.
type events struct {
	ctx     context.Context // the handlers'
	log     *slog.Logger
	dropped *atomic.Uint64 // events
	queue   session.Callbacks
	ready   chan struct{} // closed when handlers may run; with pipelining, that is when Connect has succeeded

	mu      sync.Mutex // guards the fields below
	methods map[string]HandlerFunc
	waiting map[string][]*invokeWait
}

// invokeWait is one WaitInvoke.
type invokeWait struct {
	args []any
	done chan struct{}
}

// handle makes h serve a method; nil removes the handler.
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

// wait registers a waiter for a call of method, and leave removes it.
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

// called queues a call that came over s. known says that the library has served it already; a handler runs as well. The reader calls it.
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
		id = 0 // the answer has been sent
	}
	queued := true
	switch name, args := quote.Peer(cmd.Name), cmd.Args; {
	case h != nil:
		queued = e.queue.Run(amf.Size(cmd.Object, args), func() { // args share their array with the object
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
			s.Reply(session.CallFailed(id, errors.New("too many calls are waiting for handlers")))
		}
	}
}

// awaitReady returns when handlers can use the Conn, because Connect is about to return, or when the Conn has ended.
func (e *events) awaitReady() {
	select {
	case <-e.ready:
	case <-e.ctx.Done():
	}
}

// tell queues f, which holds size bytes, unless there is no room. what names the event in the log.
func (e *events) tell(size int, what string, f func()) {
	if !e.queue.Run(size, func() { e.awaitReady(); f() }) {
		e.drop(1, what)
	}
}

// drop counts events that are not passed to the program.
func (e *events) drop(events int, what string) {
	e.dropped.Add(uint64(events))
	e.log.Debug("rtmp: dropped events because the handlers' queue is full", "events", events, "what", quote.Peer(what))
}
