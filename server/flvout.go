package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// flvOut is the connection to which a viewer's stream is written.
type flvOut interface {
	// write writes b, which consists of whole tags.
	write(ctx context.Context, b []byte) error
	end(whole bool)
}

// answered is the flvOut of a request that has already been answered.
type answered struct{}

func (answered) write(context.Context, []byte) error { return net.ErrClosed }
func (answered) end(bool)                            {}

// responseOut is an HTTP response.
type responseOut struct {
	w       http.ResponseWriter
	control *http.ResponseController
	stream  bool // an HTTP/2 stream, whose write deadline also ends an idle response
}

func newResponseOut(w http.ResponseWriter, r *http.Request) *responseOut {
	return &responseOut{w: w, control: http.NewResponseController(w), stream: r.ProtoMajor > 1}
}

func (o *responseOut) write(ctx context.Context, b []byte) error {
	if due, ok := ctx.Deadline(); ok {
		o.control.SetWriteDeadline(due) // not every http.ResponseWriter supports it
	}
	if _, err := o.w.Write(b); err != nil {
		return err
	}
	if err := o.control.Flush(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if o.stream {
		o.control.SetWriteDeadline(time.Time{})
	}
	return ctx.Err()
}

func (o *responseOut) end(bool) {} // serveViewer sets the deadline for the end of the response

// socketOut is a WebSocket.
type socketOut struct {
	conn *websocket.Conn
	ctx  context.Context // ends when the viewer closes the WebSocket
}

func (o *socketOut) write(ctx context.Context, b []byte) error {
	if err := o.ctx.Err(); err != nil {
		return err
	}
	return o.conn.Write(ctx, websocket.MessageBinary, b)
}

func (o *socketOut) end(whole bool) {
	status := websocket.StatusNormalClosure
	if !whole {
		status = websocket.StatusInternalError
	}
	o.conn.Close(status, "")
}
