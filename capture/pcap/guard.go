package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// maxPacket is the longest packet that is read, in bytes.
const maxPacket = 1 << 20

var errBlock = errors.New("a block of pcapng that makes no sense")

// ngGuard passes on pcapng whose blocks are not longer than they can be, and whose packets are not longer than their blocks: pcapgo
// makes room for whatever a file says.
type ngGuard struct {
	in   *bufio.Reader
	big  bool  // big-endian
	left int64 // bytes of the block
}

func (g *ngGuard) Read(b []byte) (int, error) {
	if g.left == 0 {
		if err := g.begin(); err != nil {
			return 0, err
		}
	}
	n, err := g.in.Read(b[:min(int64(len(b)), g.left)])
	g.left -= int64(n)
	if err == io.EOF && g.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// begin looks at the beginning of a block:
//
//	type (4) | size of the block (4) | a section's byte order, or a packet's interface (4) | time (8) | size (4) | ...
func (g *ngGuard) begin() error {
	const section, simplePacket, packet, enhancedPacket = 0x0A0D0D0A, 3, 2, 6
	head, err := g.in.Peek(24)
	if len(head) == 0 {
		return err
	}
	if len(head) < 12 {
		return io.ErrUnexpectedEOF
	}
	if binary.BigEndian.Uint32(head) == section {
		g.big = binary.BigEndian.Uint32(head[8:]) == 0x1A2B3C4D
	}
	field := binary.LittleEndian.Uint32
	if g.big {
		field = binary.BigEndian.Uint32
	}
	size := field(head[4:])
	if size < 12 || size > 2*maxPacket {
		return errBlock
	}
	switch field(head) {
	case enhancedPacket, packet:
		if size < 32 || len(head) == 24 && field(head[20:]) > size-32 {
			return errBlock
		}
	case simplePacket:
		if size < 16 || field(head[8:]) > maxPacket {
			return errBlock
		}
	}
	g.left = int64(size)
	return nil
}
