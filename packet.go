package rtmp

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-librtmp/rtmp/chunk"
	"github.com/go-librtmp/rtmp/message"
)

// Packet is one message with what its chunks say about it; librtmp calls it RTMPPacket.
//
// Received packets hold the message's own time in Timestamp, and Absolute is true. In packets to be sent, Timestamp is
// the message's time when Format is Format0 or Absolute is set, and the difference to the message before on the same
// chunk stream otherwise. Format is the shortest header wanted; what it can't express gets a longer one.
type Packet struct {
	Type          message.Type
	Format        chunk.Format
	ChunkStreamID uint32 // librtmp: channel. 0 when sending: the usual one for the type
	Timestamp     uint32 // milliseconds, modulo 2^32
	StreamID      uint32 // message stream id
	Absolute      bool
	Body          []byte
}

// received is a message's header as a Packet.
func received(m *chunk.Message) Packet {
	return Packet{Type: message.Type(m.Type), Format: m.Format, ChunkStreamID: m.ChunkStreamID, Timestamp: m.Timestamp,
		StreamID: m.StreamID, Absolute: true}
}

func (p *Packet) outgoing() chunk.Outgoing {
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

// Dump is the packet in readable form, for bug reports: a line of header fields and a hex dump of the body.
func (p *Packet) Dump() string {
	var b strings.Builder
	time := "delta"
	if p.Absolute || p.Format == chunk.Format0 {
		time = "time"
	}
	fmt.Fprintf(&b, "%s (%d), format %d, chunk stream %d, message stream %d, %s %d ms, %d bytes\n",
		p.Type, uint8(p.Type), p.Format, p.ChunkStreamID, p.StreamID, time, p.Timestamp, len(p.Body))
	b.WriteString(hex.Dump(p.Body))
	return b.String()
}

// SendPacket sends p as it is. p.Body is neither modified nor kept.
func (c *Conn) SendPacket(ctx context.Context, p *Packet) error {
	if !c.started.Load() {
		return ErrNotConnected
	}
	return c.send(ctx, p.outgoing())
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
