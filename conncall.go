package rtmp

import (
	"context"

	"github.com/go-librtmp/rtmp/internal/session"
)

// Call calls a method of the server. It returns when the call has been sent, which ctx bounds; the answer is the Result of the
// Call. If another call is being written, Call may leave its message to that write and return at once; if the write fails, Result
// returns the error. Calls without an answer are kept until the Conn ends, and once there are 65,536 of them, further calls fail. If
// you do not want an answer, use CallWith and CallOptions.NoReply.
//
// What one goroutine sends leaves in the order of its calls, whether by Call, SendPacket or the methods of a Stream. So Call waits
// until media that WritePacket has queued has been sent.
func (c *Conn) Call(ctx context.Context, method string, args ...any) (*Call, error) {
	return c.CallWith(ctx, CallOptions{}, method, args...)
}

// CallWith is like Call, with options.
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

// InvokeHandler makes h serve the method of that name, which may contain dots. A nil h removes the handler. A server may call a
// method as soon as it has accepted connect, before a program can call InvokeHandler; use Options.Handlers for those. Handlers run
// only while something reads from the connection; see "Reading" in the package documentation.
func (c *Conn) InvokeHandler(method string, h HandlerFunc) { c.core.events.handle(method, h) }

// WaitInvoke waits until the server calls method, and returns the arguments. Calls that arrived before it do not count. A handler
// for the method runs as well. Only ctx bounds the wait, not Options.Timeout.
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

// SendPacket sends p as it is, after media that WritePacket has queued before. p.Body is neither modified nor retained.
func (c *Conn) SendPacket(ctx context.Context, p *Packet) error {
	k, err := c.established()
	if err != nil {
		return err
	}
	return k.session.Send(ctx, session.EncodePacket(p))
}

// ReadPacket reads the next message of any type before the library acts on it: pings, calls, results and media take effect only when
// the packet is passed to HandlePacket. Only Set Chunk Size and Abort have taken effect, and the received bytes are acknowledged.
// p.Body is replaced; the caller may keep it. ReadPacket ends with ctx, or after Options.Timeout without a byte from the
// server. Neither harms the connection.
//
// Do not read in any other way until the packet has been passed to HandlePacket, neither by Stream.Read nor by waiting for an answer:
// later messages of its stream would be handled before it.
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
// Streams. It returns ctx's error or that of Conn.Err.
func (c *Conn) ProcessPackets(ctx context.Context) error {
	k, err := c.established()
	if err != nil {
		return err
	}
	return k.session.Await(ctx, "process packets", nil)
}
