// Package observe lets other packages of this module observe what a server sends, while another goroutine reads from the connection. It is
// similar to net/http/httptrace.
//
// Options.OnStatus and Options.Trace report statuses too, but OnStatus may run after the read that the status concerns has returned, and
// Trace is called for every message, which costs time.
package observe

import (
	"context"

	"github.com/go-librtmp/rtmp/message"
)

// Observer receives events and statuses from a server, in order, on the goroutine that reads. Its functions must not block or wait for the
// server. They may call a Stream's SetReadDeadline to end a read.
type Observer struct {
	UserControl func(message.UserControl)  // called for events that the library does not handle itself; may be nil
	Status      func(*message.StatusError) // called for every onStatus; may be nil
}

type key struct{}

// With returns a context that carries o. A Conn that connects with this context calls o's functions.
func With(ctx context.Context, o *Observer) context.Context { return context.WithValue(ctx, key{}, o) }

// From returns the context's Observer, or one without functions if the context has none.
func From(ctx context.Context) *Observer {
	if o, ok := ctx.Value(key{}).(*Observer); ok {
		return o
	}
	return new(Observer)
}
