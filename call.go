package rtmp

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Call is a remote call that has been sent.
type Call struct {
	call    session.Call
	hint    string                           // added to the error if no answer comes
	explain func(*StatusError) (hint string) // what to do about a refusal; may be nil
	body    [64]byte                         // the memory of the message, if it is large enough, so that a small call needs one allocation
}

// TransactionID returns the transaction id of the call.
func (k *Call) TransactionID() float64 { return k.call.ID }

// Result waits for the answer and returns the value after its command object. It may be called any number of times and from any goroutine.
// ctx and Options.Timeout bound this wait only: after a timeout, Result can be called again to continue waiting. If the server refuses, the
// error is a *StatusError.
func (k *Call) Result(ctx context.Context) (any, error) {
	if err := k.call.Wait(ctx); err != nil {
		if late, ok := err.(*session.TimeoutError); ok {
			late.Hint = k.hint
		}
		return nil, err
	}
	v, err := k.call.Result()
	if err != nil {
		err = k.explained(err)
	}
	return v, err
}

// explained adds to err what to do about a refusal.
func (k *Call) explained(err error) error {
	var refused *StatusError
	if k.explain != nil && errors.As(err, &refused) {
		if hint := k.explain(refused); hint != "" {
			return session.During(k.call.Method+": "+hint, err)
		}
	}
	return err
}

// Decode waits like Result and stores the value in dst, a non-nil pointer. See amf.Assign for the conversions.
func (k *Call) Decode(ctx context.Context, dst any) error {
	v, err := k.Result(ctx)
	if err != nil {
		return err
	}
	return amf.Assign(dst, v)
}

// Reply returns all values of the answer after the transaction id: the command object and the values after it. It returns nil until the
// answer has arrived.
func (k *Call) Reply() []any {
	reply, _ := k.call.Answer()
	return reply
}

// CallOptions are options of a call. Conn.Call uses the zero value.
type CallOptions struct {
	Object        any     // the command object; nil is sent as null
	ChunkStreamID uint32  // zero means 3, as for all commands
	StreamID      uint32  // the message stream id; zero is the connection
	TransactionID float64 // zero means the next free id; ignored if NoReply is set
	AMF3          bool    // send a command message of type 17; all calls have this type if ObjectEncoding 3 was agreed on

	// NoReply sends the call with transaction id 0. Servers do not answer such calls. Result returns nil at once.
	NoReply bool
}

// send sends a call.
func (l *link) send(ctx context.Context, o CallOptions, method string, args []any) (*Call, error) {
	t := message.TypeCommandAMF0
	if o.AMF3 || l.amf3.Load() {
		t = message.TypeCommandAMF3
	}
	k := new(Call)
	if o.NoReply {
		k.call.AnswerAtOnce(method)
	} else if err := l.session.Register(&k.call, method, o.TransactionID); err != nil {
		return nil, err
	}
	body, err := message.AppendCommand(k.body[:0], t, &message.Command{Name: method, TransactionID: k.call.ID, Object: o.Object, Args: args})
	if err != nil {
		err = fmt.Errorf("rtmp: %s: %w", method, err)
	} else {
		err = l.session.Post(ctx, k.call.Others, chunk.Outgoing{Type: uint8(t), Format: chunk.Format1, StreamID: o.StreamID, Body: body,
			ChunkStreamID: cmp.Or(o.ChunkStreamID, session.ChunkStreamCommand)})
	}
	if err != nil {
		k.call.Forget()
		return nil, session.Cancelled(method, err)
	}
	return k, nil
}
