package rtmp

import (
	"context"
	"fmt"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// Packet is one message with what its chunks say about it. It stands in package message, so that packages which only
// take or give packets need not import this one.
type Packet = message.Packet

// received is a message's header as a Packet.
func received(m *chunk.Message) Packet {
	return Packet{Type: message.Type(m.Type), Format: m.Format, ChunkStreamID: m.ChunkStreamID, Timestamp: m.Timestamp,
		StreamID: m.StreamID, Absolute: true}
}

// outgoing is p as the chunk writer takes it.
func outgoing(p *Packet) chunk.Outgoing {
	cs := p.ChunkStreamID
	if cs == 0 {
		cs = defaultChunkStream(p.Type)
	}
	return chunk.Outgoing{Type: uint8(p.Type), ChunkStreamID: cs, StreamID: p.StreamID, Timestamp: p.Timestamp,
		Format: p.Format, Relative: p.Format != chunk.Format0 && !p.Absolute, Body: p.Body}
}

func defaultChunkStream(t message.Type) uint32 {
	switch t {
	case message.TypeVideo:
		return csVideo
	case message.TypeAudio, message.TypeDataAMF0, message.TypeDataAMF3, message.TypeAggregate:
		return csMedia
	case message.TypeCommandAMF0, message.TypeCommandAMF3, message.TypeSharedObjectAMF0, message.TypeSharedObjectAMF3:
		return csCommand
	}
	return csControl
}

// SendPacket sends p as it is. p.Body is neither modified nor kept.
func (c *Conn) SendPacket(ctx context.Context, p *Packet) error {
	if !c.started.Load() {
		return ErrNotConnected
	}
	return c.send(ctx, outgoing(p))
}

// ReadPacket reads the next message of any type, before the library has acted on it: pings, calls, results and media
// have their effect only when the packet is given to HandlePacket. (Set Chunk Size and Abort have acted, and received
// bytes are acknowledged.) p.Body is replaced and the caller's to keep. It is bounded by ctx and by Options.Timeout
// without a byte from the server; neither harms the connection.
func (c *Conn) ReadPacket(ctx context.Context, p *Packet) error {
	if !c.started.Load() {
		return ErrNotConnected
	}
	defer c.claim()()
	w := &waiter{what: "read packet", ctx: ctx, idle: c.opts.Timeout}
	w.ready = func() bool { return w.packet.Absolute } // which every received packet is
	w.packet = new(Packet)
	if err := c.await(w); err != nil {
		return err
	}
	*p = *w.packet
	return nil
}

// HandlePacket does with a packet of ReadPacket what the library would have done with it.
func (c *Conn) HandlePacket(ctx context.Context, p *Packet) error {
	if !c.started.Load() {
		return ErrNotConnected
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("rtmp: handle packet: %w", err)
	}
	c.pump.dispatching.Lock()
	err := c.dispatch(&incoming{Packet: *p}, nil)
	c.pump.dispatching.Unlock()
	c.flushReplies()
	if err != nil {
		return c.fail(err)
	}
	return nil
}

// incoming is a received message on its way to who it is for. Its body is either Packet.Body or still in the reader's
// buffer.
type incoming struct {
	Packet
	msg *chunk.Message
}

func (m *incoming) size() int {
	if m.msg != nil {
		return m.msg.Len()
	}
	return len(m.Body)
}

func (m *incoming) copyTo(dst []byte) {
	if m.msg != nil {
		m.msg.CopyTo(dst)
		return
	}
	copy(dst, m.Body)
}

// body is the body in one piece, a view that is valid during the dispatch.
func (m *incoming) body() []byte {
	if m.msg != nil {
		return m.msg.Body()
	}
	return m.Body
}
