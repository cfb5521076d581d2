package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/internal/quote"
	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

var errNotifyFull = errors.New("rtmp: notify: the send queue is full because the client does not read")

// Call is a remote call to a client.
type Call struct{ call *session.Call }

// Call calls a method of the client. ctx bounds only the sending; Call.Result returns the answer. An unanswered call occupies memory until
// the connection ends, so use Notify if no answer is needed.
func (c *Conn) Call(ctx context.Context, method string, args ...any) (*Call, error) {
	k, err := c.session.NewCall(method, 0)
	if err != nil {
		return nil, err
	}
	o, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: method, TransactionID: k.ID, Args: args})
	if err == nil {
		err = c.session.Send(ctx, o)
	}
	if err != nil {
		k.Forget()
		return nil, session.Cancelled(method, err)
	}
	return &Call{k}, nil
}

// Result waits for the answer and returns the value after its command object. It may be called any number of times, from any
// goroutine. ctx bounds this wait only. An _error is returned as a *message.StatusError.
func (k *Call) Result(ctx context.Context) (any, error) {
	if err := k.call.WaitWithin(ctx, -1); err != nil {
		return nil, err
	}
	return k.call.Result()
}

// Decode waits like Result and stores the value in dst, a non-nil pointer. See amf.Assign for the conversions.
func (k *Call) Decode(ctx context.Context, dst any) error {
	v, err := k.Result(ctx)
	if err != nil {
		return err
	}
	return amf.Assign(dst, v)
}

// Reply returns the whole answer after the transaction id: the command object and the values. It returns nil before the answer has arrived.
func (k *Call) Reply() []any {
	reply, _ := k.call.Answer()
	return reply
}

// Notify sends a call that the client does not answer. Notify does not wait. It returns an error if the queue is full because the client
// does not read.
func (c *Conn) Notify(method string, args ...any) error {
	if err := c.session.Err(); err != nil {
		return err
	}
	o, err := session.Command(session.ChunkStreamCommand, 0, &message.Command{Name: method, Args: args})
	if err != nil {
		return err
	}
	if !c.session.TryReply(o) {
		return errNotifyFull
	}
	c.session.FlushReplies()
	return nil
}

// Handle makes m serve a method for this client only. It takes precedence over App.Methods. A nil m removes the method.
func (c *Conn) Handle(method string, m Method) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m == nil {
		delete(c.methods, method)
		return
	}
	if c.methods == nil {
		c.methods = make(map[string]Method)
	}
	c.methods[method] = m
}

// called serves a remote call from the client, on the hooks' goroutine.
func (k *commands) called(cmd message.Command) {
	app := k.application()
	k.mu.Lock()
	m := k.methods[cmd.Name]
	k.mu.Unlock()
	result, found, err := app.call(k.Conn, m, cmd)
	if !found && err == nil {
		err = fmt.Errorf("method %s is not known", peer(cmd.Name))
	}
	if cmd.TransactionID == 0 {
		if err != nil {
			k.log.Debug("rtmp: call failed", "method", quote.Attr(cmd.Name), "error", err)
		}
		return
	}
	k.session.Answer(peer(cmd.Name), cmd.TransactionID, result, callError(err))
}

// callError returns the error that is sent to the client for an error of a method. A Refusal becomes a StatusError, or an error with only
// its description if it has no code.
func callError(err error) error {
	var r *Refusal
	if errors.As(err, &r) {
		if r.Code == "" {
			return errors.New(r.Description)
		}
		return &message.StatusError{Code: r.Code, Level: "error", Description: r.Description}
	}
	return err
}
