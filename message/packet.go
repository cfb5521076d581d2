package message

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-librtmp/rtmp/chunk"
)

// Packet is one message with what its chunks say about it; librtmp calls it RTMPPacket.
//
// Received packets hold the message's own time in Timestamp, and Absolute is true. In packets to be sent, Timestamp is
// the message's time when Format is Format0 or Absolute is set, and the difference to the message before on the same
// chunk stream otherwise. Format is the shortest header wanted; what it can't express gets a longer one.
type Packet struct {
	Type          Type
	Format        chunk.Format
	ChunkStreamID uint32 // librtmp: channel. 0 when sending: the usual one for the type
	Timestamp     uint32 // milliseconds, modulo 2^32
	StreamID      uint32 // message stream id
	Absolute      bool
	Body          []byte
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
