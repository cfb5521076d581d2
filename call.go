package rtmp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/message"
)

// Call is a remote call that was sent (librtmp: an RTMP_METHOD in m_methodCalls).
type Call struct {
	conn   *Conn
	id     float64
	method string
	done   chan struct{} // closed when reply and err are set
	reply  []any
	err    error
	then   func(error) // called on completion, by the reader; may be nil
}

// TransactionID is the call's number on the wire.
func (k *Call) TransactionID() float64 { return k.id }

// Result waits for the answer and returns its value: the one behind the command object. It may be called any number of
// times and from any goroutine; ctx governs this wait only, as does Options.Timeout. A refusal is a *StatusError.
func (k *Call) Result(ctx context.Context) (any, error) {
	select {
	case <-k.done: // also after the connection has ended
	default:
		if err := k.conn.await(&waiter{what: k.method, ctx: ctx, deadline: k.conn.replyDeadline(), ready: k.isDone,
			wake: k.done}); err != nil && !k.isDone() {
			return nil, err
		}
	}
	if k.err != nil {
		return nil, k.err
	}
	if len(k.reply) < 2 {
		return nil, nil
	}
	return k.reply[1], nil
}

func (k *Call) isDone() bool {
	select {
	case <-k.done:
		return true
	default:
		return false
	}
}

// Decode waits like Result and stores the value in dst, a non-nil pointer; see amf.Assign for what fits what.
func (k *Call) Decode(ctx context.Context, dst any) error {
	v, err := k.Result(ctx)
	if err != nil {
		return err
	}
	return amf.Assign(dst, v)
}

// Reply is everything that the answer carries behind the transaction id: the command object and the values. It is nil
// until the answer is there.
func (k *Call) Reply() []any {
	if !k.isDone() {
		return nil
	}
	return k.reply
}

func (k *Call) complete(reply []any, err error) {
	k.reply, k.err = reply, err
	close(k.done)
	if k.then != nil {
		k.then(err)
	}
}

// calls are the calls without an answer, by transaction id.
type calls struct {
	mu      sync.Mutex
	last    float64 // transaction id
	pending map[float64]*Call
}

// add registers a call before it is sent. id 0 takes the next number; others don't count, as in librtmp, unless they are
// the next.
func (t *calls) add(c *Conn, method string, id float64) *Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	if id == 0 {
		id = t.next()
	} else if id == t.last+1 {
		t.last = id
	}
	if t.pending == nil {
		t.pending = make(map[float64]*Call)
	}
	k := &Call{conn: c, id: id, method: method, done: make(chan struct{})}
	t.pending[id] = k
	return k
}

// nextID numbers a command whose answer does not matter.
func (t *calls) nextID() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next()
}

// next is the next number that nobody waits for. The caller holds t.mu.
func (t *calls) next() float64 {
	for t.last++; t.pending[t.last] != nil; {
		t.last++
	}
	return t.last
}

// take removes and returns the call with this id.
func (t *calls) take(id float64) *Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.pending[id]
	delete(t.pending, id)
	return k
}

// end completes every call with the connection's error.
func (t *calls) end(err error) {
	t.mu.Lock()
	pending := t.pending
	t.pending = nil
	t.mu.Unlock()
	for _, k := range pending {
		k.complete(nil, fmt.Errorf("%w (while waiting for the answer to %s)", err, k.method))
	}
}

// replyDeadline is when a wait that begins now runs into Options.Timeout.
func (c *Conn) replyDeadline() time.Time {
	if c.opts.Timeout <= 0 {
		return time.Time{}
	}
	return time.Now().Add(c.opts.Timeout)
}

// CallOptions are what CallWith lets a program choose about a call.
type CallOptions struct {
	Object        any     // the command object; nil: null
	ChunkStreamID uint32  // 0: 3, as for all commands
	StreamID      uint32  // message stream id; 0: the connection's
	TransactionID float64 // 0: the next free one
	AMF3          bool    // send as a command of type 17, as is done anyway once ObjectEncoding 3 was agreed on
}

// Call calls a method of the server. ctx governs the sending only; the answer is the Call's Result.
func (c *Conn) Call(ctx context.Context, method string, args ...any) (*Call, error) {
	return c.CallWith(ctx, CallOptions{}, method, args...)
}

// CallWith is Call with the details of o.
func (c *Conn) CallWith(ctx context.Context, o CallOptions, method string, args ...any) (*Call, error) {
	if !c.started.Load() {
		return nil, ErrNotConnected
	}
	p := Packet{Type: message.TypeCommandAMF0, Format: 1, ChunkStreamID: o.ChunkStreamID, StreamID: o.StreamID,
		Absolute: true}
	if o.AMF3 || c.amf3.Load() {
		p.Type = message.TypeCommandAMF3
	}
	k := c.calls.add(c, method, o.TransactionID)
	body, err := message.AppendCommand(nil, p.Type,
		&message.Command{Name: method, TransactionID: k.id, Object: o.Object, Args: args})
	if err != nil {
		c.calls.take(k.id)
		return nil, fmt.Errorf("rtmp: %s: %w", method, err)
	}
	p.Body = body
	if err := c.send(ctx, outgoing(&p)); err != nil {
		c.calls.take(k.id)
		return nil, err
	}
	return k, nil
}

// RemoteMethod returns a function that calls method and waits for its result.
func (c *Conn) RemoteMethod(method string) func(ctx context.Context, args ...any) (any, error) {
	return func(ctx context.Context, args ...any) (any, error) {
		k, err := c.Call(ctx, method, args...)
		if err != nil {
			return nil, err
		}
		return k.Result(ctx)
	}
}
