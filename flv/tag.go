package flv

import (
	"encoding/binary"
	"fmt"
)

// Sizes in bytes.
const (
	TagHeaderSize = 11                                 // size of the header before a tag's body
	TagOverhead   = TagHeaderSize + PreviousTagSizeLen // size of a tag in a file in addition to its body
	MaxBodySize   = 1<<24 - 1                          // largest body of a tag, and of an RTMP message
)

// TagType is the type of a tag. The numbers are those of RTMP's message types.
type TagType uint8

// The tag types of FLV E.4.1. Files may contain others, which should be skipped.
const (
	TagAudio  TagType = 8
	TagVideo  TagType = 9
	TagScript TagType = 18
)

// String returns "audio", "video", "script" or "tag type 15".
func (t TagType) String() string {
	switch t {
	case TagAudio:
		return "audio"
	case TagVideo:
		return "video"
	case TagScript:
		return "script"
	}
	return fmt.Sprintf("tag type %d", uint8(t))
}

const (
	typeBits     = 0x1f // the five bits of the type in a tag's first byte
	filterBit    = 0x20 // set: the body is encrypted
	reservedBits = 0xc0 // always zero
)

// Tag is one tag of an FLV file, or one audio, video or data message of RTMP.
type Tag struct {
	Type      TagType // five bits
	Timestamp uint32  // decoding time in milliseconds, modulo 2^32
	Filtered  bool    // the body is encrypted (FLV annex F): pass it on unchanged
	Body      []byte  // at most MaxBodySize bytes; functions that return or accept a Tag say who owns them
}

// PutTagHeader writes the header of a tag with a body of size bytes to the first [TagHeaderSize] bytes of b. Only the lower five bits of t
// and the lower 24 bits of size are used.
func PutTagHeader(b []byte, t TagType, size int, timestamp uint32) {
	_ = b[TagHeaderSize-1]
	binary.BigEndian.PutUint32(b, uint32(size))
	b[0] = byte(t & typeBits)
	binary.BigEndian.PutUint32(b[4:], timestamp<<8|timestamp>>24) // the high byte comes last
	b[8], b[9], b[10] = 0, 0, 0                                   // stream id
}

// PutPreviousTagSize writes the size after a tag with a body of size bytes to the first [PreviousTagSizeLen] bytes of b.
func PutPreviousTagSize(b []byte, size int) {
	binary.BigEndian.PutUint32(b, uint32(size)+TagHeaderSize)
}

// AppendTag appends a tag and its previous tag size. A body longer than [MaxBodySize] is truncated.
func AppendTag(dst []byte, t Tag) []byte {
	body := t.Body[:min(len(t.Body), MaxBodySize)]
	var header [TagHeaderSize]byte
	PutTagHeader(header[:], t.Type, len(body), t.Timestamp)
	if t.Filtered {
		header[0] |= filterBit
	}
	dst = append(dst, header[:]...)
	dst = append(dst, body...)
	var back [PreviousTagSizeLen]byte
	PutPreviousTagSize(back[:], len(body))
	return append(dst, back[:]...)
}

// ParseTagHeader parses a tag header from b, which must have at least [TagHeaderSize] bytes. size is the size of the body. The stream id is
// ignored. The error is an [*Error].
func ParseTagHeader(b []byte) (t Tag, size int, err error) {
	_ = b[TagHeaderSize-1]
	if b[0]&reservedBits != 0 {
		return t, 0, &Error{Detail: "not a tag: reserved bits are set in its first byte", Value: b[0]}
	}
	t.Type = TagType(b[0] & typeBits)
	t.Filtered = b[0]&filterBit != 0
	size = int(binary.BigEndian.Uint32(b) & MaxBodySize)
	ts := binary.BigEndian.Uint32(b[4:])
	t.Timestamp = ts>>8 | ts<<24
	return t, size, nil
}
