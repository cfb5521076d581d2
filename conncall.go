package rtmp

import (
	"context"

	"github.com/go-librtmp/rtmp/internal/session"
)

// Call calls a method of the server. It returns when the call has been sent; ctx bounds only the sending. Call.Result returns the answer.
// If another call is being written, Call may leave its message to that write and return at once; if the write fails, Result returns the
// error. Unanswered calls are kept until the Conn ends, and once there are 65,536 of them, further calls fail. A program that needs no
// answer uses CallWith with CallOptions.NoReply.
//
// The messages of one goroutine are sent in the order in which it calls Call, SendPacket and the methods of a Stream. So Call waits until
// all media that WritePacket has queued has been sent.
func (c *Conn) Call(ctx context.Context, method string, args ...any) (*Call, error) {
	return c.CallWith(ctx, CallOptions{}, method, args...)
}

// CallWith is like Call, but takes options.
func (c *Conn) CallWith(ctx context.Context, o CallOptions, method string, args ...any) (*Call, error) {
	k, err := c.established()
	if err != nil {
		return nil, err
	}
	return k.send(ctx, o, method, args)
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

// InvokeHandler makes h serve the method of that name. The name may contain dots. A nil h removes the handler. A server may call a method
// as soon as it has accepted connect, before the program can call InvokeHandler; use Options.Handlers for such methods. Handlers run only
// while something reads from the connection; see "Reading" in the package documentation.
func (c *Conn) InvokeHandler(method string, h HandlerFunc) { c.core.events.handle(method, h) }

// WaitInvoke waits until the server calls method, and returns the arguments. It ignores calls that arrived earlier. If the method has a
// handler, the handler runs as well. Only ctx bounds the wait; Options.Timeout does not.
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

// SendPacket sends p unchanged, after the media that WritePacket has already queued. It neither modifies nor retains p.Body.
func (c *Conn) SendPacket(ctx context.Context, p *Packet) error {
	k, err := c.established()
	if err != nil {
		return err
	}
	return session.Cancelled("send packet", k.session.Send(ctx, session.EncodePacket(p)))
}

// ReadPacket reads the next message of any type before the library acts on it: pings, calls, results and media take effect only when the
// packet is passed to HandlePacket. There are two exceptions: Set Chunk Size and Abort take effect at once, and received bytes are
// acknowledged without waiting for HandlePacket. ReadPacket sets p.Body to a new slice, which the caller may keep. It returns an error when
// ctx is done, or after Options.Timeout without a byte from the server. The connection stays usable after either error.
//
// Until the packet has been passed to HandlePacket, do not call Stream.Read or wait for an answer: later messages of the same stream would
// be handled before the packet.
func (c *Conn) ReadPacket(ctx context.Context, p *Packet) error {
	k, err := c.established()
	if err != nil {
		return err
	}
	return k.session.ReadPacket(ctx, k.opts.Timeout, p)
}

// HandlePacket lets the library act on a packet that ReadPacket has returned.
func (c *Conn) HandlePacket(ctx context.Context, p *Packet) error {
	k, err := c.established()
	if err != nil {
		return err
	}
	return k.session.HandlePacket(ctx, p)
}

// ProcessPackets reads from the connection until ctx or the connection ends: it answers pings, runs handlers, and queues media for the
// Streams. It returns the error of ctx or of Conn.Err.
func (c *Conn) ProcessPackets(ctx context.Context) error {
	k, err := c.established()
	if err != nil {
		return err
	}
	return k.session.Await(ctx, "process packets", nil)
}
