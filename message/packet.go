package message

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-librtmp/rtmp/chunk"
)

// Packet is one message together with the header fields of its chunks. librtmp calls it RTMPPacket.
//
// Received packets have the message's own time in Timestamp, and Absolute is true. In packets to be sent, Timestamp is the
// message's time if Format is Format0 or Absolute is set, and otherwise the difference from the previous message on the same
// chunk stream. Format is the shortest header to use; if it can't express the message, a longer one is used.
type Packet struct {
	Type          Type
	Format        chunk.Format
	ChunkStreamID uint32 // channel in librtmp; in a packet to be sent, 0 means the usual chunk stream for the type
	Timestamp     uint32 // milliseconds, modulo 2^32
	StreamID      uint32 // message stream id
	Absolute      bool
	Body          []byte
}

// Dump formats the packet for bug reports: a line of header fields and a hex dump of the body.
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
