package rtmp

import (
	"context"

	"github.com/go-librtmp/rtmp/internal/session"
)

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

// SendPacket sends p as it is. p.Body is neither modified nor kept.
func (c *Conn) SendPacket(ctx context.Context, p *Packet) error {
	k, err := c.established()
	if err != nil {
		return err
	}
	return k.session.Send(ctx, session.EncodePacket(p))
}

// ReadPacket reads the next message of any type, before the library has acted on it: pings, calls, results and media
// have their effect only when the packet is given to HandlePacket. (Set Chunk Size and Abort have acted, and received
// bytes are acknowledged.) p.Body is replaced and the caller's to keep. It is bounded by ctx and by Options.Timeout
// without a byte from the server; neither harms the connection.
//
// Nothing else should read until the packet has been given to HandlePacket: no Stream.Read, no wait for an answer. Later messages
// of its stream would be handled before it.
func (c *Conn) ReadPacket(ctx context.Context, p *Packet) error {
	k, err := c.established()
	if err != nil {
		return err
	}
	return k.session.ReadPacket(ctx, k.opts.Timeout, p)
}

// HandlePacket does with a packet of ReadPacket what the library would have done with it.
func (c *Conn) HandlePacket(ctx context.Context, p *Packet) error {
	k, err := c.established()
	if err != nil {
		return err
	}
	return k.session.HandlePacket(ctx, p)
}

// ProcessPackets reads and serves the connection (pings, calls of the server, media into its Streams' queues) until ctx
// ends or the connection does, and returns ctx's error or Conn.Err.
func (c *Conn) ProcessPackets(ctx context.Context) error {
	k, err := c.established()
	if err != nil {
		return err
	}
	return k.session.Await(ctx, "process packets", nil)
}
