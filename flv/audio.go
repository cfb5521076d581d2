package flv

import "fmt"

// SoundFormat is the codec of an audio tag.
type SoundFormat uint8

// The sound formats of FLV E.4.2.1.
const (
	AudioPCM           SoundFormat = 0 // byte order of the machine that wrote it
	AudioADPCM         SoundFormat = 1
	AudioMP3           SoundFormat = 2
	AudioPCMLE         SoundFormat = 3
	AudioNellymoser16k SoundFormat = 4
	AudioNellymoser8k  SoundFormat = 5
	AudioNellymoser    SoundFormat = 6
	AudioALaw          SoundFormat = 7
	AudioMuLaw         SoundFormat = 8
	audioExHeader      SoundFormat = 9 // Enhanced RTMP
	AudioAAC           SoundFormat = 10
	AudioSpeex         SoundFormat = 11
	AudioMP38k         SoundFormat = 14
	AudioDevice        SoundFormat = 15 // device specific
)

var soundFormatNames = map[SoundFormat]string{
	AudioPCM: "PCM", AudioADPCM: "ADPCM", AudioMP3: "MP3", AudioPCMLE: "PCM little-endian",
	AudioNellymoser16k: "Nellymoser 16 kHz", AudioNellymoser8k: "Nellymoser 8 kHz", AudioNellymoser: "Nellymoser",
	AudioALaw: "G.711 A-law", AudioMuLaw: "G.711 mu-law", AudioAAC: "AAC", AudioSpeex: "Speex", AudioMP38k: "MP3 8 kHz",
	AudioDevice: "device-specific sound",
}

// String returns the codec's name: "AAC", "Speex"; "sound format 12" if it has none.
func (f SoundFormat) String() string {
	if s, ok := soundFormatNames[f]; ok {
		return s
	}
	return fmt.Sprintf("sound format %d", uint8(f))
}

// AACPacketType is what an AAC tag holds.
type AACPacketType uint8

// The packet types of FLV E.4.2.1.
const (
	AACSequenceHeader AACPacketType = 0 // the decoder configuration: ParseAudioSpecificConfig
	AACRaw            AACPacketType = 1 // a frame without ADTS header
)

// AudioHeader is what precedes the coded data in the body of an audio tag.
type AudioHeader struct {
	Empty  bool // the body has no bytes at all, which is legal and means silence until audio returns; the other fields are zero
	Format SoundFormat

	// SampleRate in Hz, SampleSize in bits before compression, Channels 1 or 2. Of AAC they are always 44100, 16 and 2: what
	// is true of it only its AudioSpecificConfig tells.
	SampleRate, SampleSize, Channels int

	PacketType AACPacketType // AAC only

	Data []byte // what follows the header: a view of the body
}

// ParseAudioHeader reads the beginning of an audio tag's body (FLV E.4.2):
//
//	+----------+--------+--------+----------+   +---------------+
//	| format 4 | rate 2 | size 1 | stereo 1 |   | packet type 1 |   AAC only
//	| 1                                     |   | 1             |
//	+----------+--------+--------+----------+   +---------------+
//
// An empty body is no error, see AudioHeader.Empty. One whose header is cut is an [*Error] that wraps io.ErrUnexpectedEOF;
// one with an Enhanced RTMP header wraps errors.ErrUnsupported.
func ParseAudioHeader(body []byte) (AudioHeader, error) {
	if len(body) == 0 {
		return AudioHeader{Empty: true}, nil
	}
	b := body[0]
	h := AudioHeader{Format: SoundFormat(b >> 4), Data: body[1:]}
	if h.Format == audioExHeader {
		return AudioHeader{}, &Error{Detail: "audio tag", Value: b, Err: errEnhanced}
	}
	h.SampleRate = h.Format.sampleRate(b >> 2 & 3)
	h.SampleSize = 8 << (b >> 1 & 1)
	h.Channels = 1 + int(b&1)
	if h.Format == AudioAAC {
		if len(h.Data) == 0 {
			return h, cut("AAC audio header", 1)
		}
		h.PacketType, h.Data = AACPacketType(h.Data[0]), h.Data[1:]
	}
	return h, nil
}

// sampleRate returns what the two rate bits mean. They cannot express 8 and 16 kHz, which some formats imply instead.
func (f SoundFormat) sampleRate(bits byte) int {
	switch f {
	case AudioNellymoser16k, AudioSpeex:
		return 16000
	case AudioNellymoser8k, AudioALaw, AudioMuLaw, AudioMP38k:
		return 8000
	}
	return [4]int{5512, 11025, 22050, 44100}[bits&3]
}

// IsSequenceHeader reports whether the data is a decoder configuration.
func (h AudioHeader) IsSequenceHeader() bool {
	return h.Format == AudioAAC && h.PacketType == AACSequenceHeader
}

// IsFrame reports whether the data is coded sound, not a configuration or nothing.
func (h AudioHeader) IsFrame() bool { return !h.Empty && !h.IsSequenceHeader() }
