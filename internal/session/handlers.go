package session

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

const (
	// MaxInvocationBytes bounds what waits for the program's handlers and what they are at, in bytes of memory. Beyond it is only
	// one message that came when nothing else was there.
	MaxInvocationBytes = 16 << 20
	// InvocationSize is what an entry of the queue takes beside its arguments.
	InvocationSize = 256
)

// Handlers runs the program's functions, one at a time and in the order of arrival, on a goroutine of its own: never on the
// reader, so that a handler may use the connection like anybody else. The zero value is ready.
type Handlers struct {
	// Panicked is told of a function that has panicked, and is to end the connection: on that goroutine, which then goes on. It is set
	// before the first Run. nil: the panic ends the program.
	Panicked func(err *message.PanicError)

	// Backlog stops the reader while it is full, in the place of MaxInvocationBytes; nil: nothing does. It is set before the first Run.
	Backlog *Backlog

	mu      sync.Mutex // guards the rest
	queue   []invocation
	bytes   int // of queue, and of what runs
	running bool
	ended   bool
}

// invocation is something that the goroutine has to do.
type invocation struct {
	run  func()
	size int // bytes of memory that run holds
}

// Run queues f, which holds size bytes. It reports false if there is no room. After End nothing runs any more.
func (h *Handlers) Run(size int, f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return true
	}
	size += InvocationSize
	if h.Backlog == nil && h.bytes > 0 && h.bytes+size > MaxInvocationBytes {
		return false
	}
	h.add(invocation{run: f, size: size})
	return true
}

// Busy reports whether a function runs or waits to be run.
func (h *Handlers) Busy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.running
}

// add queues what there is room for. The caller holds h.mu.
func (h *Handlers) add(i invocation) {
	h.grow(i.size)
	h.queue = append(h.queue, i)
	if !h.running {
		h.running = true
		go h.serve() // not joined: a handler may be what ends the connection, and waits for that
	}
}

// grow counts bytes. The caller holds h.mu.
func (h *Handlers) grow(size int) {
	h.bytes += size
	if h.Backlog != nil {
		h.Backlog.Queued(h.bytes)
	}
}

// Finish drops what is queued, has f run after the function that runs, and nothing after f.
func (h *Handlers) Finish(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended {
		h.ended, h.queue = true, nil
		h.add(invocation{run: f})
	}
}

// End drops what is queued. It does not wait for the function that runs.
func (h *Handlers) End() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended, h.queue = true, nil
}

func (h *Handlers) serve() {
	for {
		h.mu.Lock()
		if len(h.queue) == 0 {
			h.running, h.queue = false, nil
			h.grow(-h.bytes)
			h.mu.Unlock()
			return
		}
		next := h.queue[0]
		h.queue[0] = invocation{} // so that it is not kept by what comes after it
		h.queue = h.queue[1:]
		h.mu.Unlock()
		h.call(next.run)
		h.mu.Lock()
		h.grow(-next.size)
		h.mu.Unlock()
	}
}

// call calls f, and reports its panic.
func (h *Handlers) call(f func()) {
	if h.Panicked != nil {
		defer func() {
			if v := recover(); v != nil {
				h.Panicked(&message.PanicError{Value: v, Stack: debug.Stack()})
			}
		}()
	}
	f()
}

// Answer sends the outcome of a call of the peer's: a _result, or an _error with err's text.
func (w *writer) Answer(method string, id float64, result any, err error) {
	if err == nil {
		o, bad := Command(ChunkStreamCommand, 0, &message.Command{Name: "_result", TransactionID: id, Args: []any{result}})
		if bad == nil {
			w.SendReply(o)
			return
		}
		err = fmt.Errorf("result of %s: %w", method, bad)
	}
	w.SendReply(CallFailed(id, err))
}

// CallFailed is the _error that refuses a call.
func CallFailed(id float64, err error) chunk.Outgoing {
	code, description := message.CodeCallFailed, err.Error()
	var refused *message.StatusError
	if errors.As(err, &refused) {
		code, description = refused.Code, refused.Description
	}
	o, _ := Command(ChunkStreamCommand, 0, &message.Command{Name: "_error", TransactionID: id, // texts can always be expressed
		Args: []any{message.StatusObject("error", code, description)}})
	return o
}

// ReplyCommand leaves a command for the next writer. It fails only for arguments that AMF can't express.
func (w *writer) ReplyCommand(cmd *message.Command) error {
	o, err := Command(ChunkStreamCommand, 0, cmd)
	if err == nil {
		w.Reply(o)
	}
	return err
}
