package flv

import (
	"errors"
	"fmt"
)

// FrameType says what a decoder needs to decode a video tag.
type FrameType uint8

// The frame types of FLV E.4.3.1.
const (
	FrameKey             FrameType = 1 // needs nothing before it
	FrameInter           FrameType = 2
	FrameDisposableInter FrameType = 3 // Sorenson H.263: nothing refers to it
	FrameGeneratedKey    FrameType = 4 // made by a server
	FrameCommand         FrameType = 5 // no picture: VideoHeader.Command
)

// VideoCodec is the codec of a video tag.
type VideoCodec uint8

// The codecs of FLV E.4.3.1, and HEVC under the number that cameras and content networks use for it without a standard.
const (
	VideoJPEG         VideoCodec = 1
	VideoSorensonH263 VideoCodec = 2
	VideoScreen       VideoCodec = 3
	VideoVP6          VideoCodec = 4
	VideoVP6Alpha     VideoCodec = 5
	VideoScreen2      VideoCodec = 6
	VideoAVC          VideoCodec = 7
	VideoHEVC         VideoCodec = 12
)

var videoCodecNames = map[VideoCodec]string{
	VideoJPEG: "JPEG", VideoSorensonH263: "Sorenson H.263", VideoScreen: "Screen video", VideoVP6: "VP6",
	VideoVP6Alpha: "VP6 with alpha", VideoScreen2: "Screen video 2", VideoAVC: "H.264", VideoHEVC: "H.265",
}

// String returns the codec's name: "H.264", "VP6"; "video codec 9" if it has none.
func (c VideoCodec) String() string {
	if s, ok := videoCodecNames[c]; ok {
		return s
	}
	return fmt.Sprintf("video codec %d", uint8(c))
}

// AVCPacketType is what an AVC (or HEVC) tag holds.
type AVCPacketType uint8

// The packet types of FLV E.4.3.1.
const (
	AVCSequenceHeader AVCPacketType = 0 // the decoder configuration: ParseAVCConfig
	AVCNALU           AVCPacketType = 1 // NAL units, each behind its length
	AVCEndOfSequence  AVCPacketType = 2 // nothing
)

// VideoHeader is what precedes the coded data in the body of a video tag.
type VideoHeader struct {
	Empty     bool // the body has no bytes at all, which is legal and means nothing; the other fields are zero
	FrameType FrameType
	Codec     VideoCodec

	PacketType      AVCPacketType // AVC and HEVC only
	CompositionTime int32         // AVC and HEVC only: presentation time minus decoding time, milliseconds, 24 bits and signed

	Command uint8 // FrameCommand only: 0 begins a seek on the client's side, 1 ends it

	Data []byte // what follows the header: a view of the body
}

// errEnhanced is the cause of the error for headers that only Enhanced RTMP defines.
var errEnhanced = fmt.Errorf("enhanced RTMP header: %w", errors.ErrUnsupported)

// ParseVideoHeader reads the beginning of a video tag's body (FLV E.4.3):
//
//	+--------------+---------+   +---------------+------------------+
//	| frame type 4 | codec 4 |   | packet type 1 | composition time |   AVC and HEVC only
//	| 1                      |   | 1             | 3                |
//	+--------------+---------+   +---------------+------------------+
//
// An empty body is no error, see VideoHeader.Empty. One whose header is cut is an [*Error] that wraps io.ErrUnexpectedEOF;
// one with an Enhanced RTMP header wraps errors.ErrUnsupported.
func ParseVideoHeader(body []byte) (VideoHeader, error) {
	if len(body) == 0 {
		return VideoHeader{Empty: true}, nil
	}
	if body[0]&0x80 != 0 {
		return VideoHeader{}, &Error{Detail: "video tag", Value: body[0], Err: errEnhanced}
	}
	h := VideoHeader{FrameType: FrameType(body[0] >> 4), Codec: VideoCodec(body[0] & 0x0f), Data: body[1:]}
	switch {
	case h.FrameType == FrameCommand: // no codec header, whatever the codec
		if len(h.Data) == 0 {
			return h, cut("video command", 1)
		}
		h.Command, h.Data = h.Data[0], h.Data[1:]
	case h.Codec == VideoAVC || h.Codec == VideoHEVC:
		return h, h.parseAVC()
	}
	return h, nil
}

const avcHeaderSize = 4 // packet type and composition time

func (h *VideoHeader) parseAVC() error {
	if len(h.Data) > 0 {
		h.PacketType = AVCPacketType(h.Data[0])
	}
	if len(h.Data) < avcHeaderSize {
		if len(h.Data) > 0 && h.PacketType == AVCEndOfSequence {
			h.Data = nil // some publishers leave the composition time out, which has no meaning here
			return nil
		}
		return cut("AVC video header", int64(avcHeaderSize-len(h.Data)))
	}
	// The shifts up and down again extend the sign from 24 bits to 32.
	cts := uint32(h.Data[1])<<24 | uint32(h.Data[2])<<16 | uint32(h.Data[3])<<8
	h.CompositionTime = int32(cts) >> 8
	h.Data = h.Data[avcHeaderSize:]
	return nil
}

// IsSequenceHeader reports whether the data is a decoder configuration.
func (h VideoHeader) IsSequenceHeader() bool {
	return h.isAVC() && h.PacketType == AVCSequenceHeader
}

// IsFrame reports whether the data is a coded picture, not a configuration, a command or nothing.
func (h VideoHeader) IsFrame() bool {
	return !h.Empty && h.FrameType != FrameCommand && (!h.isAVC() || h.PacketType == AVCNALU)
}

// IsKeyFrame reports whether the data is a picture that can be decoded without those before it.
func (h VideoHeader) IsKeyFrame() bool {
	return h.IsFrame() && (h.FrameType == FrameKey || h.FrameType == FrameGeneratedKey)
}

func (h VideoHeader) isAVC() bool {
	return h.FrameType != FrameCommand && (h.Codec == VideoAVC || h.Codec == VideoHEVC)
}
