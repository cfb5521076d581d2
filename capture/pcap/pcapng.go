package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"time"

	"github.com/gopacket/gopacket/layers"
)

const (
	// maxPacket is the longest packet accepted, in bytes.
	maxPacket = 1 << 20
	// maxInterfaces is the number of interfaces that a section may have.
	maxInterfaces = 1000
)

var errBlock = errors.New("invalid pcapng block")

const (
	ngSection        = 0x0A0D0D0A
	ngInterface      = 1
	ngPacket         = 2 // obsolete
	ngSimplePacket   = 3
	ngEnhancedPacket = 6
)

// ngReader reads pcapng (draft-ietf-opsawg-pcapng), since the reader of pcapgo 1.4.0 panics or allocates gigabytes on damaged files. A
// block consists of
//
//	type (4) | size of the block (4) | body | size (4)
type ngReader struct {
	in         *bufio.Reader
	order      binary.ByteOrder // byte order of the section
	interfaces []ngInterfaceInfo
	block      []byte
}

type ngInterfaceInfo struct {
	link   layers.LinkType
	snap   uint32 // longest packet in bytes; 0 means no limit
	second uint64 // number of timestamp units in a second
	offset int64  // in seconds
}

// next returns the next packet, whose data is valid until the next call.
func (r *ngReader) next() (p packet, err error) {
	for {
		typ, body, err := r.read()
		if err != nil {
			return p, err
		}
		switch typ {
		case ngSection:
			r.interfaces = r.interfaces[:0]
		case ngInterface:
			if len(body) < 8 || len(r.interfaces) == maxInterfaces {
				return p, errBlock
			}
			r.interfaces = append(r.interfaces, r.newInterface(body))
		case ngEnhancedPacket, ngPacket:
			return r.packet(typ, body)
		case ngSimplePacket:
			if len(body) < 4 || len(r.interfaces) == 0 {
				return p, errBlock
			}
			whole, i := r.order.Uint32(body), &r.interfaces[0]
			size := min(whole, uint32(len(body)-4))
			if i.snap > 0 {
				size = min(size, i.snap)
			}
			return packet{link: i.link, data: body[4 : 4+size], cut: size < whole}, nil
		}
	}
}

func (r *ngReader) read() (typ uint32, body []byte, err error) {
	head, err := r.in.Peek(12)
	switch {
	case len(head) == 0:
		return 0, nil, err
	case len(head) < 12:
		return 0, nil, io.ErrUnexpectedEOF
	}
	if binary.BigEndian.Uint32(head) == ngSection {
		const mark = 0x1A2B3C4D
		switch {
		case binary.LittleEndian.Uint32(head[8:]) == mark:
			r.order = binary.LittleEndian
		case binary.BigEndian.Uint32(head[8:]) == mark:
			r.order = binary.BigEndian
		default:
			return 0, nil, errBlock
		}
	}
	size := r.order.Uint32(head[4:])
	if size < 12 || size > 2*maxPacket || size%4 != 0 {
		return 0, nil, errBlock
	}
	typ = r.order.Uint32(head)
	if cap(r.block) < int(size) {
		r.block = make([]byte, size)
	}
	r.block = r.block[:size]
	if _, err := io.ReadFull(r.in, r.block); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return typ, r.block[8 : size-4], nil
}

// newInterface parses an interface description: link type (2 bytes), reserved (2), maximum packet length (4), and options.
func (r *ngReader) newInterface(body []byte) ngInterfaceInfo {
	const end, resolution, offset = 0, 9, 14
	i := ngInterfaceInfo{link: layers.LinkType(r.order.Uint16(body)), snap: r.order.Uint32(body[4:]), second: 1_000_000}
	for b := body[8:]; len(b) >= 4; {
		code, size := r.order.Uint16(b), int(r.order.Uint16(b[2:]))
		if code == end || size > len(b)-4 {
			break
		}
		value := b[4 : 4+size]
		switch {
		case code == resolution && size >= 1:
			i.second = perSecond(value[0])
		case code == offset && size >= 8:
			i.offset = int64(r.order.Uint64(value))
		}
		b = b[min(len(b), 4+(size+3)&^3):]
	}
	return i
}

// perSecond returns the number of timestamp units in a second: a power of 10, or of 2 if the highest bit of n is set.
func perSecond(n byte) uint64 {
	if n&0x80 != 0 {
		return 1 << min(n&0x7F, 63)
	}
	units := uint64(1)
	for range min(n, 19) {
		units *= 10
	}
	return units
}

// packet parses a packet: its interface (4 bytes; in the obsolete form 2 bytes, followed by a count of dropped packets), time (8), size
// (4), original size (4), and data.
func (r *ngReader) packet(typ uint32, body []byte) (p packet, err error) {
	if len(body) < 20 {
		return p, errBlock
	}
	number := r.order.Uint32(body)
	if typ == ngPacket {
		number = uint32(r.order.Uint16(body))
	}
	size, whole := r.order.Uint32(body[12:]), r.order.Uint32(body[16:])
	if int64(number) >= int64(len(r.interfaces)) || uint64(size) > uint64(len(body)-20) {
		return p, errBlock
	}
	i := &r.interfaces[number]
	units := uint64(r.order.Uint32(body[4:]))<<32 | uint64(r.order.Uint32(body[8:]))
	high, low := bits.Mul64(units%i.second, uint64(time.Second))
	nanoseconds, _ := bits.Div64(high, low, i.second) // does not panic, since high is less than i.second
	return packet{link: i.link, at: time.Unix(int64(units/i.second)+i.offset, int64(nanoseconds)), data: body[20 : 20+size], cut: size < whole}, nil
}

type packet struct {
	link layers.LinkType
	at   time.Time
	data []byte
	cut  bool // the packet was truncated when it was captured
}
