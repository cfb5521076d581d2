package flv

import (
	"bytes"
	"fmt"
)

// FrameType says what a decoder needs in order to decode a video tag, in three bits.
type FrameType uint8

// The frame types of FLV E.4.3.1.
const (
	FrameKey             FrameType = 1 // needs no earlier frame
	FrameInter           FrameType = 2
	FrameDisposableInter FrameType = 3 // Sorenson H.263: no other frame refers to it
	FrameGeneratedKey    FrameType = 4 // key frame made by a server
	FrameCommand         FrameType = 5 // contains VideoHeader.Command instead of a picture
)

// VideoCodec is the codec of a video tag.
type VideoCodec uint8

// The codecs of FLV E.4.3.1, and two non-standard numbers that cameras and content networks use.
const (
	VideoJPEG         VideoCodec = 1
	VideoSorensonH263 VideoCodec = 2
	VideoScreen       VideoCodec = 3
	VideoVP6          VideoCodec = 4
	VideoVP6Alpha     VideoCodec = 5
	VideoScreen2      VideoCodec = 6
	VideoAVC          VideoCodec = 7
	VideoHEVC         VideoCodec = 12
	VideoAV1          VideoCodec = 13
)

var videoCodecNames = map[VideoCodec]string{
	VideoJPEG: "JPEG", VideoSorensonH263: "Sorenson H.263", VideoScreen: "Screen video", VideoVP6: "VP6",
	VideoVP6Alpha: "VP6 with alpha", VideoScreen2: "Screen video 2", VideoAVC: "H.264", VideoHEVC: "H.265", VideoAV1: "AV1",
}

// String returns the codec's name, such as "H.264" or "VP6", or "video codec 9" for an unknown one.
func (c VideoCodec) String() string {
	if s, ok := videoCodecNames[c]; ok {
		return s
	}
	return fmt.Sprintf("video codec %d", uint8(c))
}

// FourCC returns the codec's name in Enhanced RTMP, or 0 if it has none. Tags of codecs with such a name have a packet type and a
// composition time.
func (c VideoCodec) FourCC() FourCC {
	switch c {
	case VideoAVC:
		return FourCCAVC
	case VideoHEVC:
		return FourCCHEVC
	case VideoAV1:
		return FourCCAV1
	}
	return 0
}

// videoCodecOf returns the codec's number in FLV, or 0 if it has none.
func videoCodecOf(c FourCC) VideoCodec {
	switch c {
	case FourCCAVC:
		return VideoAVC
	case FourCCHEVC:
		return VideoHEVC
	case FourCCAV1:
		return VideoAV1
	}
	return 0
}

// VideoPacketType is the type of data in a video tag, four bits. Types without a constant are reserved and passed through.
type VideoPacketType uint8

// The packet types of E-RTMP v2. The first three are also those of FLV E.4.3.1.
const (
	VideoSequenceStart VideoPacketType = 0 // the decoder configuration: ParseAVCConfig, ParseHEVCConfig, ...
	VideoCodedFrames   VideoPacketType = 1 // a picture, for some codecs with a composition time
	VideoSequenceEnd   VideoPacketType = 2 // no data
	VideoCodedFramesX  VideoPacketType = 3 // a picture of AVC, HEVC or VVC whose composition time is 0 and omitted

	// VideoMetadata is a name, "colorInfo", and its value, in the format of [ParseScript] and [AppendScript]. It describes the pictures
	// after it. FFmpeg expects FrameCommand with it; readers ignore the frame type.
	VideoMetadata             VideoPacketType = 4
	VideoMPEG2TSSequenceStart VideoPacketType = 5 // the decoder configuration of AV1 as an MPEG-2 TS descriptor

	videoMultitrack VideoPacketType = 6
)

// VideoHeader is the part of a video tag's body before the coded data, in FLV's form or Enhanced RTMP's. Its methods, PacketType and FourCC
// mean the same in both.
type VideoHeader struct {
	Empty     bool // the body has no bytes, which is legal and has no meaning; the other fields are zero
	Enhanced  bool // the header has the form of Enhanced RTMP
	FrameType FrameType

	// Codec is the codec's number in FLV, and FourCC its name in Enhanced RTMP, each 0 if it has none. FourCC is also 0 if the tracks of
	// the message may have different codecs (see Tracks). Writing uses FourCC if Enhanced is set, and Codec otherwise.
	Codec  VideoCodec
	FourCC FourCC

	PacketType      VideoPacketType // VideoCodedFrames for FLV codecs without a packet type
	CompositionTime int32           // presentation time minus decoding time, milliseconds, 24 bits and signed; 0 if the packet has none
	ModEx           ModEx           // modifiers; Enhanced RTMP only

	Command uint8 // FrameCommand only: 0 begins a seek at the client, 1 ends it

	// Multitrack reports whether the message has the layout MultitrackType (Enhanced RTMP only). TrackID is the track of a OneTrack
	// message. Without Multitrack it is 0, the default track. For any other MultitrackType, Data has several tracks; see Tracks.
	Multitrack     bool
	MultitrackType MultitrackType
	TrackID        uint8

	Data []byte // the data after the header, a view of the body
}

// ParseVideoHeader reads the header at the beginning of a video tag's body. This is either the header of FLV E.4.3:
//
//	+--------------+---------+   +---------------+------------------+
//	| frame type 4 | codec 4 |   | packet type 1 | composition time |   AVC, HEVC and AV1 only
//	| 1                      |   | 1             | 3                |
//	+--------------+---------+   +---------------+------------------+
//
// or, if the first bit is set, the header of Enhanced RTMP (E-RTMP v2, ExVideoTagHeader):
//
//	+---+--------------+---------------+  +---------------------+  +--------+  +------------------+
//	| 1 | frame type 3 | packet type 4 |  | ModEx, multitrack   |  | FourCC |  | composition time |   AVC, HEVC and VVC only
//	| 1                                |  | if type 7, 6        |  | 4      |  | 3 if type 1      |
//	+---+--------------+---------------+  +---------------------+  +--------+  +------------------+
//
// An empty body is not an error (see VideoHeader.Empty), and neither are unknown codecs and packet types. The error is an [*Error]; if the
// header is cut short it wraps io.ErrUnexpectedEOF. Nothing is allocated. Data and ModEx are views of body; [VideoHeader.Clone] copies
// them.
func ParseVideoHeader(body []byte) (VideoHeader, error) {
	if len(body) == 0 {
		return VideoHeader{Empty: true}, nil
	}
	if body[0]&exVideoBit != 0 {
		return parseExVideo(body)
	}
	h := VideoHeader{FrameType: FrameType(body[0] >> 4), Codec: VideoCodec(body[0] & 0x0f), Data: body[1:]}
	h.FourCC = h.Codec.FourCC()
	h.PacketType = VideoCodedFrames
	switch {
	case h.FrameType == FrameCommand: // a command has no codec header, whatever the codec
		return h, h.parseCommand()
	case h.FourCC != 0:
		return h, h.parseAVC()
	}
	return h, nil
}

const (
	exVideoBit          = 0x80
	avcHeaderSize       = 1 + compositionTimeSize
	compositionTimeSize = 3
)

func (h *VideoHeader) parseCommand() error {
	if len(h.Data) == 0 {
		return truncated("video command", 1)
	}
	h.Command, h.Data = h.Data[0], h.Data[1:]
	return nil
}

func (h *VideoHeader) parseAVC() error {
	if len(h.Data) > 0 {
		h.PacketType = VideoPacketType(h.Data[0])
	}
	if len(h.Data) < avcHeaderSize {
		if h.PacketType == VideoSequenceEnd {
			h.Data = nil // some publishers omit the composition time, which has no meaning here
			return nil
		}
		return truncated("AVC video header", int64(avcHeaderSize-len(h.Data)))
	}
	h.CompositionTime = int24(h.Data[1:])
	h.Data = h.Data[avcHeaderSize:]
	return nil
}

func parseExVideo(body []byte) (VideoHeader, error) {
	var x exHeader
	h := VideoHeader{Enhanced: true, FrameType: FrameType(body[0] >> 4 & 7)}
	at, err := x.parseModEx(body)
	if err != nil {
		return h, err
	}
	h.ModEx, h.PacketType, h.Data = x.modEx, VideoPacketType(x.packetType), body[at:]
	if h.isCommand() { // a command has neither a FourCC nor tracks
		return h, addOffset(h.parseCommand(), int64(at))
	}
	if at, err = x.parseTrack(body, at, byte(videoMultitrack)); err != nil {
		return h, err
	}
	h.PacketType, h.FourCC, h.Codec = VideoPacketType(x.packetType), x.fourCC, videoCodecOf(x.fourCC)
	h.Multitrack, h.MultitrackType, h.TrackID = x.multitrack, x.layout, x.trackID
	h.Data = body[at:]
	return h, addOffset(h.parseCompositionTime(), int64(at))
}

// parseCompositionTime removes an enhanced header's composition time from the front of Data.
func (h *VideoHeader) parseCompositionTime() error {
	if !h.hasCompositionTime() {
		return nil
	}
	if missing := compositionTimeSize - len(h.Data); missing > 0 {
		return truncated("composition time", int64(missing))
	}
	h.CompositionTime, h.Data = int24(h.Data), h.Data[compositionTimeSize:]
	return nil
}

func (h *VideoHeader) hasCompositionTime() bool {
	return h.PacketType == VideoCodedFrames && h.FourCC.hasCompositionTime() && !isList(h.Multitrack, h.MultitrackType)
}

func int24(b []byte) int32 { return int32(uint24(b)<<8) >> 8 }

// IsSequenceHeader reports whether the data is a decoder configuration.
func (h VideoHeader) IsSequenceHeader() bool {
	return !h.Empty && !h.isCommand() &&
		(h.PacketType == VideoSequenceStart || h.Enhanced && h.PacketType == VideoMPEG2TSSequenceStart)
}

// IsFrame reports whether the data is a coded picture.
func (h VideoHeader) IsFrame() bool {
	return !h.Empty && !h.isCommand() &&
		(h.PacketType == VideoCodedFrames || h.Enhanced && h.PacketType == VideoCodedFramesX)
}

// IsKeyFrame reports whether the data is a picture that can be decoded without earlier ones. If the frame type is 0, as from publishers
// that do not mark key frames, it inspects the pictures of every track.
func (h VideoHeader) IsKeyFrame() bool {
	switch {
	case !h.IsFrame():
		return false
	case h.Enhanced && h.FrameType == 0:
		return h.detectKeyFrame()
	}
	return h.FrameType == FrameKey || h.FrameType == FrameGeneratedKey
}

// CodecName returns the codec's name, such as "H.264" or "VP9". For an unknown codec it returns "video codec 9" or the FourCC, and for
// messages whose tracks may have different codecs "".
func (h VideoHeader) CodecName() string {
	switch {
	case !h.Enhanced:
		return h.Codec.String()
	case h.FourCC == 0:
		return ""
	}
	return h.FourCC.CodecName()
}

// isCommand reports whether there is a command instead of media. The frame type of metadata has no meaning.
func (h *VideoHeader) isCommand() bool {
	return h.FrameType == FrameCommand && !(h.Enhanced && h.PacketType == VideoMetadata)
}

// Clone returns a copy whose Data and ModEx are not views of the body.
func (h VideoHeader) Clone() VideoHeader {
	h.Data, h.ModEx = bytes.Clone(h.Data), bytes.Clone(h.ModEx)
	return h
}
