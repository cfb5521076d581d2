package flv

import (
	"encoding/binary"
)

// MultitrackType is the layout of a message with several tracks.
type MultitrackType uint8

// The layouts of E-RTMP v2, Multitrack. The Data of an unknown layout begins after the byte with the layout.
const (
	OneTrack             MultitrackType = 0 // one track, which need not be the default one
	ManyTracks           MultitrackType = 1 // several tracks of the same codec
	ManyTracksManyCodecs MultitrackType = 2
)

const (
	fourCCSize    = 4
	trackSizeSize = 3  // the length of a track's data in a list
	packetModEx   = 7  // the same value in video and in audio
	maxNibble     = 15 // largest packet type, layout or codec number
)

// exHeader is the common part of Enhanced RTMP's video and audio headers:
//
//	+-------------------------+ +-------------+ +----------------------------+ +--------+ +----------+
//	| frame type or 9, type 4 | | ModEx chain | | layout 4, real type 4      | | FourCC | | track id |
//	| 1                       | | if type 7   | | 1: if type is multitrack   | | 4      | | 1        |
//	+-------------------------+ +-------------+ +----------------------------+ +--------+ +----------+
//	                                                                           not (2)    only (0)
//
// (0) OneTrack, (2) ManyTracksManyCodecs, or an unknown layout.
type exHeader struct {
	modEx      ModEx
	packetType byte // the real packet type
	multitrack bool
	layout     MultitrackType
	fourCC     FourCC
	trackID    uint8
}

// parseModEx reads the first byte and the modifiers, and returns the offset after them.
func (x *exHeader) parseModEx(body []byte) (at int, err error) {
	x.packetType = body[0] & 0x0f
	for at = 1; x.packetType == packetModEx; {
		_, _, size, err := modExBlock(body[at:])
		if err != nil {
			return at, addOffset(err, int64(at))
		}
		at += size
		x.packetType = body[at-1] & 0x0f
	}
	if at > 1 {
		x.modEx = ModEx(body[1:at:at])
	}
	return at, nil
}

// parseTrack reads the rest of the header, and returns the offset after it. multitrack is the packet type of messages with several tracks,
// which differs between video and audio.
func (x *exHeader) parseTrack(body []byte, at int, multitrack byte) (int, error) {
	if x.packetType == multitrack {
		if at == len(body) {
			return at, addOffset(truncated("multitrack header", 1), int64(at))
		}
		x.multitrack = true
		x.layout, x.packetType = MultitrackType(body[at]>>4), body[at]&0x0f
		if x.packetType == multitrack || x.packetType == packetModEx {
			return at, &Error{Offset: int64(at), Detail: "invalid packet type for the tracks of a multitrack message", Value: x.packetType}
		}
		at++
	}
	if x.hasFourCC() {
		if missing := fourCCSize - (len(body) - at); missing > 0 {
			return at, addOffset(truncated("FourCC", int64(missing)), int64(at))
		}
		x.fourCC = FourCC(binary.BigEndian.Uint32(body[at:]))
		at += fourCCSize
	}
	if x.hasTrackID() {
		if at == len(body) {
			return at, addOffset(truncated("track id", 1), int64(at))
		}
		x.trackID = body[at]
		at++
	}
	return at, nil
}

func (x *exHeader) hasFourCC() bool { return !x.multitrack || x.layout <= ManyTracks }

func (x *exHeader) hasTrackID() bool { return x.multitrack && x.layout == OneTrack }

// isList reports whether a message is a list of tracks or has an unknown layout, which may be one.
func isList(multitrack bool, layout MultitrackType) bool { return multitrack && layout != OneTrack }

// appendModEx appends the first byte, whose upper half is high, and the modifiers. next is the packet type after them.
func (x *exHeader) appendModEx(dst []byte, high, next byte) ([]byte, error) {
	if len(x.modEx) == 0 {
		return append(dst, high|next), nil
	}
	return x.modEx.appendChain(append(dst, high|packetModEx), next)
}

func (x *exHeader) append(dst []byte, high, multitrack byte) ([]byte, error) {
	if x.packetType > maxNibble || x.packetType == packetModEx || x.packetType == multitrack {
		return dst, &Error{Detail: "packet type cannot be written; ModEx and multitrack have fields of their own", Value: x.packetType}
	}
	if x.layout > maxNibble {
		return dst, &Error{Detail: "multitrack type has more than four bits", Value: uint8(x.layout)}
	}
	next := x.packetType
	if x.multitrack {
		next = multitrack
	}
	dst, err := x.appendModEx(dst, high, next)
	if err != nil {
		return dst, err
	}
	if x.multitrack {
		dst = append(dst, byte(x.layout)<<4|x.packetType)
	}
	if x.hasFourCC() {
		dst = binary.BigEndian.AppendUint32(dst, uint32(x.fourCC))
	}
	if x.hasTrackID() {
		dst = append(dst, x.trackID)
	}
	return dst, nil
}
