package media

import "github.com/go-librtmp/rtmp/flv"

// Codec is the codec of a track. If Enhanced RTMP has a name for the codec, it is the number of this [flv.FourCC], even if this package has
// no constant for it. Otherwise this package defines the number. Zero means no codec.
type Codec uint32

// These are the codecs for which a [Writer] has a method.
const (
	H264 = Codec(flv.FourCCAVC)
	H265 = Codec(flv.FourCCHEVC)
	H266 = Codec(flv.FourCCVVC)
	AV1  = Codec(flv.FourCCAV1)
	VP8  = Codec(flv.FourCCVP8)
	VP9  = Codec(flv.FourCCVP9)

	AAC   = Codec(flv.FourCCAAC)
	MP3   = Codec(flv.FourCCMP3)
	Opus  = Codec(flv.FourCCOpus)
	FLAC  = Codec(flv.FourCCFLAC)
	AC3   = Codec(flv.FourCCAC3)
	EAC3  = Codec(flv.FourCCEAC3)
	ALaw  = legacyAudio | Codec(flv.AudioALaw)  // G.711, 8 kHz
	MuLaw = legacyAudio | Codec(flv.AudioMuLaw) // G.711, 8 kHz
	LPCM  = legacyAudio | Codec(flv.AudioPCMLE) // 16 bits, little-endian and signed, or 8 bits and unsigned
)

// legacyVideo and legacyAudio are added to the FLV numbers of codecs without a FourCC. The numbers of FourCCs are at least firstFourCC,
// since they consist of printable characters.
const (
	legacyVideo Codec = 1 << 8
	legacyAudio Codec = 2 << 8
	firstFourCC Codec = 1 << 24
)

// videoCodec returns the codec of a video message. For a FourCC that does not consist of printable characters it returns 0, since the FourCC
// might equal a number that this package defines.
func videoCodec(h *flv.VideoHeader) Codec {
	switch c := Codec(h.FourCC); {
	case c.FourCC() != 0:
		return c
	case h.Enhanced:
		return 0
	}
	return legacyVideo | Codec(h.Codec)
}

func audioCodec(h *flv.AudioHeader) Codec {
	switch c := Codec(h.FourCC); {
	case c.FourCC() != 0:
		return c
	case h.Enhanced:
		return 0
	}
	return legacyAudio | Codec(h.Format)
}

// FourCC returns the codec's name in Enhanced RTMP, or 0 if it has none.
func (c Codec) FourCC() flv.FourCC {
	if c < firstFourCC {
		return 0
	}
	return flv.FourCC(c)
}

// String returns the codec's name, such as "H.264" or "G.711 A-law", or the FourCC of an unknown codec.
func (c Codec) String() string {
	switch {
	case c == 0:
		return "no codec"
	case c.FourCC() != 0:
		return flv.FourCC(c).CodecName()
	case c&legacyAudio != 0:
		return flv.SoundFormat(c &^ legacyAudio).String()
	}
	return flv.VideoCodec(c &^ legacyVideo).String()
}

// IsVideo reports whether the codec is known to be a video codec.
func (c Codec) IsVideo() bool {
	switch c {
	case H264, H265, H266, AV1, VP8, VP9:
		return true
	}
	return c.FourCC() == 0 && c&legacyVideo != 0
}

func (c Codec) hasNALUnits() bool { return c == H264 || c == H265 || c == H266 }

func (c Codec) needsConfig() bool {
	return c.hasNALUnits() || c == AV1 || c == AAC || c == FLAC
}
