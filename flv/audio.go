package flv

import (
	"bytes"
	"fmt"
)

// SoundFormat is the codec of an audio tag.
type SoundFormat uint8

// The sound formats of FLV E.4.2.1, and Opus under a non-standard number that some servers use.
const (
	AudioPCM           SoundFormat = 0 // in the byte order of the machine that wrote it
	AudioADPCM         SoundFormat = 1
	AudioMP3           SoundFormat = 2
	AudioPCMLE         SoundFormat = 3
	AudioNellymoser16k SoundFormat = 4
	AudioNellymoser8k  SoundFormat = 5
	AudioNellymoser    SoundFormat = 6
	AudioALaw          SoundFormat = 7
	AudioMuLaw         SoundFormat = 8
	AudioExHeader      SoundFormat = 9 // Enhanced RTMP: the FourCC names the codec
	AudioAAC           SoundFormat = 10
	AudioSpeex         SoundFormat = 11
	AudioOpus          SoundFormat = 13
	AudioMP38k         SoundFormat = 14
	AudioDevice        SoundFormat = 15 // device specific
)

var soundFormatNames = map[SoundFormat]string{
	AudioPCM: "PCM", AudioADPCM: "ADPCM", AudioMP3: "MP3", AudioPCMLE: "PCM little-endian",
	AudioNellymoser16k: "Nellymoser 16 kHz", AudioNellymoser8k: "Nellymoser 8 kHz", AudioNellymoser: "Nellymoser",
	AudioALaw: "G.711 A-law", AudioMuLaw: "G.711 mu-law", AudioAAC: "AAC", AudioSpeex: "Speex", AudioOpus: "Opus",
	AudioMP38k: "MP3 8 kHz", AudioDevice: "device-specific sound",
}

// String returns the codec's name, such as "AAC" or "Speex", or "sound format 12" for an unknown one.
func (f SoundFormat) String() string {
	if s, ok := soundFormatNames[f]; ok {
		return s
	}
	return fmt.Sprintf("sound format %d", uint8(f))
}

// FourCC returns the codec's name in Enhanced RTMP, or 0 if it has none.
func (f SoundFormat) FourCC() FourCC {
	switch f {
	case AudioMP3, AudioMP38k:
		return FourCCMP3
	case AudioAAC:
		return FourCCAAC
	case AudioOpus:
		return FourCCOpus
	}
	return 0
}

// soundFormatOf returns the codec's number in FLV, or AudioExHeader if it has none.
func soundFormatOf(c FourCC) SoundFormat {
	switch c {
	case FourCCMP3:
		return AudioMP3
	case FourCCAAC:
		return AudioAAC
	case FourCCOpus:
		return AudioOpus
	}
	return AudioExHeader
}

// AudioPacketType is the type of data in an audio tag, four bits. Types without a constant are reserved and passed through.
type AudioPacketType uint8

// The packet types of E-RTMP v2. The first two are those of FLV E.4.2.1 as well.
const (
	AudioSequenceStart      AudioPacketType = 0 // the decoder configuration: ParseAudioSpecificConfig, ParseOpusHead, ...
	AudioCodedFrames        AudioPacketType = 1
	AudioSequenceEnd        AudioPacketType = 2 // no data: the player plays what it has received, and then silence
	AudioMultichannelConfig AudioPacketType = 4 // ParseMultichannelConfig

	audioMultitrack AudioPacketType = 5
)

// AudioHeader is the part of an audio tag's body before the coded data, in FLV's form or Enhanced RTMP's. Its methods, PacketType and
// FourCC mean the same in both.
type AudioHeader struct {
	Empty    bool // the body has no bytes, which is legal and means silence until the next audio; the other fields are zero
	Enhanced bool // the header has the form of Enhanced RTMP

	// Format is the codec's number in FLV, or AudioExHeader if it has none. FourCC is the codec's name in Enhanced RTMP, or 0 if it has
	// none or the tracks of the message may have different codecs (see Tracks). Writing uses FourCC if Enhanced is set, and Format
	// otherwise.
	Format SoundFormat
	FourCC FourCC

	// SampleRate in Hz, SampleSize in bits before compression, and Channels (1 or 2) come from FLV's header. For AAC they are always 44100,
	// 16 and 2; its AudioSpecificConfig has the true values. Enhanced RTMP has no such fields, so they are 0.
	SampleRate, SampleSize, Channels int

	PacketType AudioPacketType // AudioCodedFrames for FLV codecs without a packet type
	ModEx      ModEx           // modifiers; Enhanced RTMP only

	// Multitrack reports whether the message has the layout MultitrackType (Enhanced RTMP only). TrackID is the track of a OneTrack
	// message. Without Multitrack it is 0, the default track. For any other MultitrackType, Data has several tracks; see Tracks.
	Multitrack     bool
	MultitrackType MultitrackType
	TrackID        uint8

	Data []byte // the data after the header, a view of the body
}

// ParseAudioHeader reads the header at the beginning of an audio tag's body. This is either the header of FLV E.4.2:
//
//	+----------+--------+--------+----------+   +---------------+
//	| format 4 | rate 2 | size 1 | stereo 1 |   | packet type 1 |   AAC only
//	| 1                                     |   | 1             |
//	+----------+--------+--------+----------+   +---------------+
//
// or, if the format is 9, the header of Enhanced RTMP (E-RTMP v2, ExAudioTagHeader):
//
//	+-----+---------------+  +-------------------+  +--------+
//	| 9 4 | packet type 4 |  | ModEx, multitrack |  | FourCC |
//	| 1                   |  | if type 7, 5      |  | 4      |
//	+-----+---------------+  +-------------------+  +--------+
//
// An empty body is not an error (see AudioHeader.Empty), and neither are unknown codecs and packet types. The error is an [*Error]; if the
// header is cut short it wraps io.ErrUnexpectedEOF. Nothing is allocated. Data and ModEx are views of body; [AudioHeader.Clone] copies
// them.
func ParseAudioHeader(body []byte) (AudioHeader, error) {
	if len(body) == 0 {
		return AudioHeader{Empty: true}, nil
	}
	b := body[0]
	h := AudioHeader{Format: SoundFormat(b >> 4), Data: body[1:]}
	if h.Format == AudioExHeader {
		return parseExAudio(body)
	}
	h.FourCC = h.Format.FourCC()
	h.SampleRate = h.Format.sampleRate(b >> 2 & 3)
	h.SampleSize = 8 << (b >> 1 & 1)
	h.Channels = 1 + int(b&1)
	h.PacketType = AudioCodedFrames
	if h.Format == AudioAAC {
		if len(h.Data) == 0 {
			return h, truncated("AAC audio header", 1)
		}
		h.PacketType, h.Data = AudioPacketType(h.Data[0]), h.Data[1:]
	}
	return h, nil
}

func parseExAudio(body []byte) (AudioHeader, error) {
	var x exHeader
	h := AudioHeader{Enhanced: true, Format: AudioExHeader}
	at, err := x.parseModEx(body)
	if err == nil {
		at, err = x.parseTrack(body, at, byte(audioMultitrack))
	}
	if err != nil {
		return h, err
	}
	h.ModEx, h.PacketType, h.FourCC, h.Format = x.modEx, AudioPacketType(x.packetType), x.fourCC, soundFormatOf(x.fourCC)
	h.Multitrack, h.MultitrackType, h.TrackID = x.multitrack, x.layout, x.trackID
	h.Data = body[at:]
	return h, nil
}

var soundRates = [4]int{5512, 11025, 22050, 44100}

// sampleRate returns the rate in Hz for the two rate bits. Some formats imply 8 or 16 kHz, which the bits can't express.
func (f SoundFormat) sampleRate(bits byte) int {
	switch f {
	case AudioNellymoser16k, AudioSpeex:
		return 16000
	case AudioNellymoser8k, AudioALaw, AudioMuLaw, AudioMP38k:
		return 8000
	}
	return soundRates[bits&3]
}

// IsSequenceHeader reports whether the data is a decoder configuration.
func (h AudioHeader) IsSequenceHeader() bool { return !h.Empty && h.PacketType == AudioSequenceStart }

// IsFrame reports whether the data is coded audio.
func (h AudioHeader) IsFrame() bool {
	if !h.Enhanced { // FLV's header has no other packet types, and readers take unknown ones of AAC for frames
		return !h.Empty && !h.IsSequenceHeader()
	}
	return h.PacketType == AudioCodedFrames
}

// CodecName returns the codec's name, such as "AAC" or "Opus". For an unknown codec it returns "sound format 12" or the FourCC, and for
// messages whose tracks may have different codecs "".
func (h AudioHeader) CodecName() string {
	switch {
	case !h.Enhanced:
		return h.Format.String()
	case h.FourCC == 0:
		return ""
	}
	return h.FourCC.CodecName()
}

// Clone returns a copy whose Data and ModEx are not views of the body.
func (h AudioHeader) Clone() AudioHeader {
	h.Data, h.ModEx = bytes.Clone(h.Data), bytes.Clone(h.ModEx)
	return h
}
