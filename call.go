package rtmp

import (
	"context"
	"fmt"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Call is a remote call that was sent (librtmp: an RTMP_METHOD in m_methodCalls).
type Call struct {
	conn *link
	call *session.Call
}

// TransactionID is the call's number on the wire.
func (k *Call) TransactionID() float64 { return k.call.ID }

// Result waits for the answer and returns its value: the one after the command object. It may be called any number of
// times and from any goroutine; ctx governs this wait only, as does Options.Timeout. A refusal is a *StatusError.
func (k *Call) Result(ctx context.Context) (any, error) {
	if err := k.call.Wait(ctx); err != nil {
		if late, ok := err.(*session.TimeoutError); ok && k == k.conn.connectCall && k.conn.announced {
			late.Hint = "the server may not understand the announcement of Enhanced RTMP, which NoEnhanced leaves out"
		}
		return nil, err
	}
	return k.call.Result()
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
	reply, _ := k.call.Answer()
	return reply
}

// CallOptions are what CallWith lets a program choose about a call.
type CallOptions struct {
	Object        any     // the command object; nil: null
	ChunkStreamID uint32  // 0: 3, as for all commands
	StreamID      uint32  // message stream id; 0: the connection's
	TransactionID float64 // 0: the next free one; without meaning when NoReply is set
	AMF3          bool    // send as a command of type 17, as is done anyway once ObjectEncoding 3 was agreed on

	// NoReply asks for no answer: the transaction id is 0, which servers don't answer, and nothing is remembered of the call.
	// Its Result is nil at once, without an error.
	NoReply bool
}

// Call calls a method of the server. ctx governs the sending only; the answer is the Call's Result. A call that is not
// answered is remembered as long as the Conn lives, and further ones fail once there are 65,536 of them: where no answer is
// wanted, CallOptions.NoReply says so.
func (c *Conn) Call(ctx context.Context, method string, args ...any) (*Call, error) {
	return c.CallWith(ctx, CallOptions{}, method, args...)
}

// CallWith is Call with the details of o.
func (c *Conn) CallWith(ctx context.Context, o CallOptions, method string, args ...any) (*Call, error) {
	k, err := c.established()
	if err != nil {
		return nil, err
	}
	return k.send(ctx, o, method, args)
}

// send sends a call.
func (l *link) send(ctx context.Context, o CallOptions, method string, args []any) (*Call, error) {
	p := Packet{Type: message.TypeCommandAMF0, Format: 1, ChunkStreamID: o.ChunkStreamID, StreamID: o.StreamID,
		Absolute: true}
	if o.AMF3 || l.amf3.Load() {
		p.Type = message.TypeCommandAMF3
	}
	call := session.Answered(method)
	var err error
	if !o.NoReply {
		if call, err = l.session.NewCall(method, o.TransactionID); err != nil {
			return nil, err
		}
	}
	p.Body, err = message.AppendCommand(nil, p.Type, &message.Command{Name: method, TransactionID: call.ID, Object: o.Object, Args: args})
	if err != nil {
		err = fmt.Errorf("rtmp: %s: %w", method, err)
	} else {
		err = l.session.Send(ctx, session.EncodePacket(&p))
	}
	if err != nil {
		l.session.TakeCall(call.ID)
		return nil, err
	}
	return &Call{conn: l, call: call}, nil
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

// InvokeHandler makes h serve the method of that name, which may have dots. nil removes the handler. What the server calls
// right after it has accepted connect may come before a program gets to this: see Options.Handlers. The goroutine that runs
// handlers reads nothing: see Conn for who does.
func (c *Conn) InvokeHandler(method string, h HandlerFunc) { c.core.events.handle(method, h) }

// WaitInvoke waits until the server calls method and returns the arguments. Only a call that arrives while it waits
// counts; a handler for the method runs as well. It is bounded by ctx alone.
func (c *Conn) WaitInvoke(ctx context.Context, method string) ([]any, error) {
	k, err := c.established()
	if err != nil {
		return nil, err
	}
	w, leave := c.core.events.wait(method)
	err = k.session.Await(ctx, "wait for "+method, w.done)
	select {
	case <-w.done:
		return w.args, nil
	default:
	}
	leave()
	return nil, err
}
