// Package observe lets other packages of this module see what a server sends while a reader owns the connection, as
// net/http/httptrace does for requests.
//
// It is the third way to see a status, and the only one that is neither late nor slow: Options.OnStatus runs on the goroutine of the
// handlers, possibly after the read that the status concerns has returned, and Options.Trace takes every message through a dispatch.
package observe

import (
	"context"

	"github.com/go-librtmp/rtmp/message"
)

// Observer is told what a server says, in the order in which it arrives, on whichever goroutine reads. Its functions must neither
// block nor wait for the server; a Stream's SetReadDeadline is allowed, and makes a read return that is under way.
type Observer struct {
	UserControl func(message.UserControl)  // called for events that the library does not answer itself; nil: not called
	Status      func(*message.StatusError) // called for every onStatus; nil: not called
}

type key struct{}

// With returns a context that makes the Conn which connects with it tell o.
func With(ctx context.Context, o *Observer) context.Context { return context.WithValue(ctx, key{}, o) }

// From returns the context's observer; without one it is an Observer that is told nothing.
func From(ctx context.Context) *Observer {
	if o, ok := ctx.Value(key{}).(*Observer); ok {
		return o
	}
	return new(Observer)
}
