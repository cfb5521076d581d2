package rtmp

import (
	"context"

	"github.com/go-librtmp/rtmp/internal/session"
	"github.com/go-librtmp/rtmp/message"
)

// Packet is one message with what its chunks say about it. It stands in package message, so that packages which only
// take or give packets need not import this one.
type Packet = message.Packet

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
