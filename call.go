package rtmp

import (
	"context"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/session"
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
