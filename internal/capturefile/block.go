package capturefile

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
	"time"
)

// docs/capture-format.md describes the format.
const (
	// HeaderSize is the size of a block's header, in bytes.
	HeaderSize = 56
	// MaxBlock is the maximum size of a block's content in bytes, both packed and unpacked.
	MaxBlock = 1 << 20

	version = 1
	maxTime = 1 << 53 // microseconds: 285 years

	methodStored  = 0
	methodDeflate = 1

	// targetBlock is the size of the content in bytes at which a block is written.
	targetBlock = 256 << 10
	// maxRecord is the largest record, in bytes.
	maxRecord = 64 << 10
	// maxState is the maximum size in bytes of the two states at the beginning of a block together.
	maxState = 64 << 10
)

// Magic is the beginning of every block.
var Magic = [4]byte{'R', 'T', 'M', 'C'}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Kind is the kind of a record.
type Kind uint8

const (
	KindClient Kind = 1 // bytes of the chunk stream from the client
	KindServer Kind = 2 // bytes of the chunk stream from the server
	KindInfo   Kind = 3 // see ParseInfo
	KindEnd    Kind = 4 // see ParseEnd
)

// Header is the header of a block.
type Header struct {
	Session  uint64        // identifies the session
	Sequence uint32        // number of the block in its session, from 0
	First    time.Duration // time of the first record, relative to the beginning of the session
	Last     time.Duration // time of the last record
	Size     uint32        // size of the content in bytes
	Packed   uint32        // size of the content in the file in bytes, after compression
	Method   byte
	Seekable bool // the block has states, so reading can begin with it

	sum uint32 // checksum of the packed content
}

// ErrNoBlock is returned if the bytes are not the beginning of a block.
var ErrNoBlock = errors.New("capture: not the beginning of a block")

// ParseHeader reads the header of a block.
func ParseHeader(b []byte) (h Header, err error) {
	if len(b) < HeaderSize || !bytes.Equal(b[:4], Magic[:]) ||
		binary.LittleEndian.Uint32(b[52:]) != crc32.Checksum(b[:52], castagnoli) {
		return h, ErrNoBlock
	}
	if b[4] != version {
		return h, fmt.Errorf("capture: version %d of the format is unknown", b[4])
	}
	le := binary.LittleEndian
	first, last := le.Uint64(b[28:]), le.Uint64(b[36:])
	h = Header{Method: b[5], Seekable: b[6]&1 != 0, Session: le.Uint64(b[8:]), Sequence: le.Uint32(b[16:]), Size: le.Uint32(b[20:]),
		Packed: le.Uint32(b[24:]), First: time.Duration(first) * time.Microsecond, Last: time.Duration(last) * time.Microsecond,
		sum: le.Uint32(b[44:])}
	if h.Size > MaxBlock || h.Packed > MaxBlock || first > last || last > maxTime {
		return h, ErrNoBlock
	}
	return h, nil
}

func (h *Header) append(dst []byte) []byte {
	le, start := binary.LittleEndian, len(dst)
	var flags byte
	if h.Seekable {
		flags = 1
	}
	dst = append(append(dst, Magic[:]...), version, h.Method, flags, 0)
	dst = le.AppendUint64(dst, h.Session)
	dst = le.AppendUint32(dst, h.Sequence)
	dst = le.AppendUint32(dst, h.Size)
	dst = le.AppendUint32(dst, h.Packed)
	dst = le.AppendUint64(dst, uint64(h.First/time.Microsecond))
	dst = le.AppendUint64(dst, uint64(h.Last/time.Microsecond))
	dst = le.AppendUint32(dst, h.sum)
	dst = le.AppendUint32(dst, 0)
	return le.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// Content unpacks a block's content from the Packed bytes after the header.
func (h *Header) Content(dst, packed []byte) ([]byte, error) {
	if crc32.Checksum(packed, castagnoli) != h.sum {
		return dst, errors.New("capture: block damaged")
	}
	switch h.Method {
	case methodStored:
		return append(dst, packed...), nil
	case methodDeflate:
		in := inflaters.Get().(io.ReadCloser)
		defer inflaters.Put(in)
		in.(flate.Resetter).Reset(bytes.NewReader(packed), nil)
		out := bytes.NewBuffer(dst)
		if n, err := io.Copy(out, io.LimitReader(in, int64(h.Size)+1)); err != nil || n != int64(h.Size) {
			return dst, errors.New("capture: block damaged inside its compression")
		}
		return out.Bytes(), nil
	}
	return dst, fmt.Errorf("capture: compression %d is unknown", h.Method)
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}

var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed)
	return w
}}

// Pack appends a block with the given content to dst. It sets the fields of h that depend on the content.
func (h *Header) Pack(dst, content []byte) []byte {
	h.Size = uint32(len(content))
	packed := bytes.NewBuffer(make([]byte, 0, len(content)))
	w := deflaters.Get().(*flate.Writer)
	w.Reset(packed)
	w.Write(content)
	w.Close() // writes to a Buffer do not fail
	deflaters.Put(w)
	h.Method = methodDeflate
	b := packed.Bytes()
	if len(b) >= len(content) { // compressed media is often larger
		h.Method, b = methodStored, content
	}
	h.Packed, h.sum = uint32(len(b)), crc32.Checksum(b, castagnoli)
	return append(h.append(dst), b...)
}

// Record is one record of a block's content.
type Record struct {
	Kind Kind
	At   time.Duration // time since the session began
	Data []byte
}

// Content reads the content of a block.
type Content struct {
	States [2][]byte // states of chunk.Scanners at the beginning of the block, indexed by Direction-1; nil unless Header.Seekable
	rest   []byte
	at     time.Duration
}

var errRecord = errors.New("capture: invalid record in a block")

// ParseContent parses the beginning of a block's content, before the records.
func ParseContent(h *Header, b []byte) (c Content, err error) {
	c.rest, c.at = b, h.First
	if !h.Seekable {
		return c, nil
	}
	for i := range c.States {
		n, err := c.uint()
		if err != nil || n > uint64(len(c.rest)) {
			return c, errRecord
		}
		c.States[i], c.rest = c.rest[:n:n], c.rest[n:]
	}
	return c, nil
}

// Next returns the next record. Its Data is a slice of the content. At the end the error is io.EOF.
func (c *Content) Next() (r Record, err error) {
	if len(c.rest) == 0 {
		return r, io.EOF
	}
	kind := c.rest[0]
	c.rest = c.rest[1:]
	later, err := c.uint()
	if err != nil {
		return r, err
	}
	size, err := c.uint()
	if err != nil || size > uint64(len(c.rest)) || later > maxTime {
		return r, errRecord
	}
	if c.at += time.Duration(later) * time.Microsecond; c.at < 0 {
		return r, errRecord
	}
	r = Record{Kind: Kind(kind), At: c.at, Data: c.rest[:size:size]}
	c.rest = c.rest[size:]
	return r, nil
}

func (c *Content) uint() (uint64, error) {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		return 0, errRecord
	}
	c.rest = c.rest[n:]
	return v, nil
}
