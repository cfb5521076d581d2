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

// HandlerFunc serves a method that the server calls. args are the values after the command object. If the server has asked for an answer,
// it receives the result, with nil as null, or an _error with the text of the error. If the error is a *StatusError, the _error also has
// its code. ctx ends with the Conn, whose error is then its cause; [FromContext] returns the Conn.
//
// If the text of an error may contain what the server must not learn, such as the name of a file, log the error and return another.
//
// The handlers of a Conn run one after the other. Calls that wait for their handler may use 16 MiB of memory together. Further calls are
// dropped and counted in Stats.DroppedEvents; if the server has asked for an answer, it receives an _error.
//
// If a handler panics, its Conn ends with a *PanicError, and the program continues. The same holds for Options.OnStatus and the function
// of SharedObject.Handle.
type HandlerFunc func(ctx context.Context, args []any) (any, error)

// Func makes a HandlerFunc of a function such as func(a, b float64) float64. It converts the arguments of a call to the types of the
// parameters as amf.Assign does, and encodes the result as amf.AppendAMF0 does. The first parameter may be a context.Context, which ends
// with the Conn. The last result may be an error, which is sent as an _error. A variadic function takes any number of further arguments. If
// an argument cannot be converted, fn is not called, and the _error says which argument it was.
//
// A struct is converted to an object with a member for each exported field. The member has the Go name of the field or the name in its tag:
// `amf0:"name"`, or `amf0:"name,omitempty"` to leave out a zero value. A field with the tag `amf0:"-"` is neither sent nor set. When an
// object is received, members without a field are skipped, and fields without a member keep their zero value.
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
	ctx     context.Context // context of the handlers
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

// callReceived handles a call that arrived on s: it queues the handler and the answer. known reports whether the library has already answered
// the call; the handler then runs, but its result is not sent. Only the reader uses callReceived.
func (e *events) callReceived(s *session.Session, cmd *message.Command, known bool) {
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

// enqueue queues f, which holds size bytes of memory, for the goroutine of the handlers. If the queue is full, enqueue drops f. The log calls
// the event what.
func (e *events) enqueue(size int, what string, f func()) {
	if !e.queue.Run(size, func() { e.awaitReady(); f() }) {
		e.drop(1, what)
	}
}

// drop counts events that are not passed to the program.
func (e *events) drop(events int, what string) {
	e.dropped.Add(uint64(events))
	e.log.Debug("rtmp: dropped events because the handlers' queue is full", "events", events, "what", quote.Peer(what))
}
