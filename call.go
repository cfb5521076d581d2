package rtmp

import (
	"context"
	"fmt"
	"sync"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Call is a remote call that was sent (librtmp: an RTMP_METHOD in m_methodCalls).
type Call struct {
	call *session.Call
	hint string // what to say of an answer that does not come
}

// TransactionID is the call's number on the wire.
func (k *Call) TransactionID() float64 { return k.call.ID }

// Result waits for the answer and returns its value: the one after the command object. It may be called any number of
// times and from any goroutine; ctx governs this wait only, as does Options.Timeout. A refusal is a *StatusError.
func (k *Call) Result(ctx context.Context) (any, error) {
	if err := k.call.Wait(ctx); err != nil {
		if late, ok := err.(*session.TimeoutError); ok {
			late.Hint = k.hint
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

// Reply is everything that the answer carries after the transaction id: the command object and the values. It is nil
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

// send sends a call.
func (l *link) send(ctx context.Context, o CallOptions, method string, args []any) (*Call, error) {
	p := Packet{Type: message.TypeCommandAMF0, Format: 1, ChunkStreamID: o.ChunkStreamID, StreamID: o.StreamID,
		Absolute: true}
	if o.AMF3 || l.amf3.Load() {
		p.Type = message.TypeCommandAMF3
	}
	var call *session.Call
	var err error
	if o.NoReply {
		call = session.Answered(method)
	} else if call, err = l.session.NewCall(method, o.TransactionID); err != nil {
		return nil, err
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
	return &Call{call: call}, nil
}

// expectation is a wait for one of some statuses, such as Play.Start.
type expectation struct {
	codes []string
	done  chan struct{}
	err   error
	once  sync.Once
}

func (e *expectation) finish(err error) {
	e.once.Do(func() {
		e.err = err
		close(e.done)
	})
}

func (e *expectation) finished() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}
