package flv

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type audioCase struct {
	name, body string
	want       AudioHeader
	role       role // role of the message; audio has no key frames
}

// testAudio parses the bodies, and checks that writing the results gives the same bodies.
func testAudio(t *testing.T, cases []audioCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := unhex(c.body)
			h, err := ParseAudioHeader(body)
			require.NoError(t, err)
			assert.Equal(t, c.want, h)
			assert.Equal(t, c.role, role{frame: h.IsFrame(), config: h.IsSequenceHeader()})

			b, err := AppendAudioHeader([]byte("x"), h)
			require.NoError(t, err)
			assert.Equal(t, append([]byte("x"), body...), append(b, h.Data...))
		})
	}
}

func TestParseAudioHeader(t *testing.T) {
	sound := func(f SoundFormat, rate, size, channels int, data ...byte) AudioHeader {
		return AudioHeader{Format: f, FourCC: f.FourCC(), SampleRate: rate, SampleSize: size, Channels: channels,
			PacketType: AudioCodedFrames, Data: append([]byte{}, data...)}
	}
	aac := func(p AudioPacketType, data ...byte) AudioHeader {
		h := sound(AudioAAC, 44100, 16, 2, data...)
		h.PacketType = p
		return h
	}
	frame := role{frame: true}
	testAudio(t, []audioCase{
		{"empty", "", AudioHeader{Empty: true}, role{}},
		{"AAC configuration", "af 00 1210", aac(AudioSequenceStart, 0x12, 0x10), role{config: true}},
		{"AAC frame", "af 01 21", aac(AudioCodedFrames, 0x21), frame},
		{"PCM 5.5 kHz", "00", sound(AudioPCM, 5512, 8, 1), frame},
		{"ADPCM 11 kHz", "15", sound(AudioADPCM, 11025, 8, 2), frame},
		{"MP3 22 kHz", "2a ff", sound(AudioMP3, 22050, 16, 1, 0xff), frame},
		{"PCM 44 kHz", "3f 00", sound(AudioPCMLE, 44100, 16, 2, 0), frame},
		{"Nellymoser 16 kHz", "42", sound(AudioNellymoser16k, 16000, 16, 1), frame},
		{"Nellymoser 8 kHz", "52", sound(AudioNellymoser8k, 8000, 16, 1), frame},
		{"Nellymoser", "6a", sound(AudioNellymoser, 22050, 16, 1), frame},
		{"A-law", "72", sound(AudioALaw, 8000, 16, 1), frame},
		{"mu-law", "82", sound(AudioMuLaw, 8000, 16, 1), frame},
		{"Speex", "b2 1e", sound(AudioSpeex, 16000, 16, 1, 0x1e), frame},
		{"Opus has no packet type", "df 00", sound(AudioOpus, 44100, 16, 2, 0), frame},
		{"MP3 8 kHz", "e2", sound(AudioMP38k, 8000, 16, 1), frame},
		{"device-specific", "f2", sound(AudioDevice, 5512, 16, 1), frame},
		{"codec not known", "c1 aa", sound(12, 5512, 8, 2, 0xaa), frame},
	})

	h, err := ParseAudioHeader([]byte{0xbe})
	require.NoError(t, err)
	assert.Equal(t, sound(AudioSpeex, 16000, 16, 1), h, "the format has only one rate, whatever the bits say")
}

func TestParseAudioHeaderMalformed(t *testing.T) {
	_, err := ParseAudioHeader(unhex("af"))
	requireCut(t, err, 0, 1)
}

// The bodies are written by hand from E-RTMP v2, ExAudioTagHeader: 9 = extended, then the packet type; 4f707573 Opus,
// 664c6143 fLaC, 6d703461 mp4a, 2e6d7033 .mp3, 61632d33 ac-3, 65632d33 ec-3.
func TestParseExAudioHeader(t *testing.T) {
	ex := func(c FourCC, p AudioPacketType, data string) AudioHeader {
		return AudioHeader{Enhanced: true, Format: soundFormatOf(c), FourCC: c, PacketType: p, Data: unhex(data)}
	}
	track := func(id uint8, h AudioHeader) AudioHeader {
		h.Multitrack, h.TrackID = true, id
		return h
	}
	list := func(layout MultitrackType, h AudioHeader) AudioHeader {
		h.Multitrack, h.MultitrackType = true, layout
		return h
	}
	modEx := func(chain string, h AudioHeader) AudioHeader {
		h.ModEx = unhex(chain)
		return h
	}
	frame, config := role{frame: true}, role{config: true}
	testAudio(t, []audioCase{
		{"Opus configuration", "90 4f707573 4f7075", ex(FourCCOpus, AudioSequenceStart, "4f7075"), config},
		{"Opus configuration, empty", "90 4f707573", ex(FourCCOpus, AudioSequenceStart, ""), config},
		{"Opus", "91 4f707573 fc", ex(FourCCOpus, AudioCodedFrames, "fc"), frame},
		{"FLAC", "91 664c6143 fff8", ex(FourCCFLAC, AudioCodedFrames, "fff8"), frame},
		{"AAC configuration", "90 6d703461 1210", ex(FourCCAAC, AudioSequenceStart, "1210"), config},
		{"AAC", "91 6d703461 21", ex(FourCCAAC, AudioCodedFrames, "21"), frame},
		{"MP3", "91 2e6d7033 fffb", ex(FourCCMP3, AudioCodedFrames, "fffb"), frame},
		{"AC-3", "91 61632d33 0b77", ex(FourCCAC3, AudioCodedFrames, "0b77"), frame},
		{"E-AC-3", "91 65632d33 0b77", ex(FourCCEAC3, AudioCodedFrames, "0b77"), frame},
		{"end", "92 4f707573", ex(FourCCOpus, AudioSequenceEnd, ""), role{}},
		{"channels", "94 6d703461 01 06 0000003f", ex(FourCCAAC, AudioMultichannelConfig, "01060000003f"), role{}},
		{"channels of a track", "95 04 6d703461 02 0003", track(2, ex(FourCCAAC, AudioMultichannelConfig, "0003")), role{}},
		{"one track", "95 01 6d703461 01 21", track(1, ex(FourCCAAC, AudioCodedFrames, "21")), frame},
		{"many tracks", "95 11 4f707573 00 000001 fc 01 000000",
			list(ManyTracks, ex(FourCCOpus, AudioCodedFrames, "00 000001 fc 01 000000")), frame},
		{"many codecs", "95 20 4f707573 00 000000 6d703461 01 000002 1210",
			list(ManyTracksManyCodecs, ex(0, AudioSequenceStart, "4f707573 00 000000 6d703461 01 000002 1210")), config},
		{"layout not known", "95 f1", list(15, ex(0, AudioCodedFrames, "")), frame},
		{"offset of 1 ns", "97 02 000001 01 4f707573 fc", modEx("02 000001 01", ex(FourCCOpus, AudioCodedFrames, "fc")), frame},
		{"modifier and track", "97 00 ee f5 01 4f707573 07 fc", modEx("00 ee f5", track(7, ex(FourCCOpus, AudioCodedFrames, "fc"))), frame},
		{"video's multitrack means nothing", "96 4f707573", ex(FourCCOpus, 6, ""), role{}},
		{"packet type not known", "9f 4f707573 aa", ex(FourCCOpus, 15, "aa"), role{}},
		{"codec not known", "91 6f707573 aa", ex(0x6f707573, AudioCodedFrames, "aa"), frame},
	})
}

func TestParseExAudioHeaderMalformed(t *testing.T) {
	cut := func(offset int, where string, missing int) string {
		return fmt.Sprintf("flv: offset %d: ends inside %s, bytes missing: %d: unexpected EOF", offset, where, missing)
	}
	for _, c := range []malformed{
		{"90", cut(1, "FourCC", 4)},
		{"91 4f7075", cut(1, "FourCC", 1)},
		{"95", cut(1, "multitrack header", 1)},
		{"95 01 4f7075", cut(2, "FourCC", 1)},
		{"95 01 4f707573", cut(6, "track id", 1)},
		{"95 05 4f707573 00", "flv: offset 1: invalid packet type for the tracks of a multitrack message: 0x5"},
		{"95 07 4f707573 00", "flv: offset 1: invalid packet type for the tracks of a multitrack message: 0x7"},
		{"97", cut(1, "ModEx", 1)},
		{"97 02 0000", cut(1, "ModEx", 2)},
		{"97 ff 00", cut(1, "size of ModEx", 1)},
		{"97 00 00 01", cut(4, "FourCC", 4)},
	} {
		t.Run(c.body, func(t *testing.T) {
			_, err := ParseAudioHeader(unhex(c.body))
			requireError(t, err, c.want)
		})
	}
}

func TestAppendAudioHeader(t *testing.T) {
	b, err := AppendAudioHeader(nil, AudioHeader{Format: AudioAAC, PacketType: AudioCodedFrames})
	require.NoError(t, err)
	assert.Equal(t, unhex("af 01"), b, "rate, size and channels of AAC may be 0")
}

func TestAppendAudioHeaderMalformed(t *testing.T) {
	mp3 := AudioHeader{Format: AudioMP3, SampleRate: 44100, SampleSize: 16, Channels: 2}
	opus := AudioHeader{Enhanced: true, FourCC: FourCCOpus, PacketType: AudioCodedFrames}
	for _, c := range []struct {
		name   string
		h      AudioHeader
		change func(h *AudioHeader)
		want   string
	}{
		{"format", mp3, func(h *AudioHeader) { h.Format = 16 }, "sound format cannot be written: 0x10"},
		{"format of Enhanced RTMP", mp3, func(h *AudioHeader) { h.Format = AudioExHeader }, "sound format cannot be written: 0x9"},
		{"rate", mp3, func(h *AudioHeader) { h.SampleRate = 48000 }, "sample rate is not one of FLV's: 48000"},
		{"rate of Speex", mp3, func(h *AudioHeader) { h.Format = AudioSpeex }, "sample rate is not one of FLV's: 44100"},
		{"size", mp3, func(h *AudioHeader) { h.SampleSize = 24 }, "sample size is neither 8 nor 16 bits: 24"},
		{"channels", mp3, func(h *AudioHeader) { h.Channels = 0 }, "number of channels is neither 1 nor 2: 0"},
		{"ModEx", mp3, func(h *AudioHeader) { h.ModEx = ModEx{0, 0, 0} }, "ModEx and multitrack need the header of Enhanced RTMP"},
		{"multitrack", mp3, func(h *AudioHeader) { h.Multitrack = true }, "ModEx and multitrack need the header of Enhanced RTMP"},
		{"packet type", opus, func(h *AudioHeader) { h.PacketType = 5 },
			"packet type cannot be written; ModEx and multitrack have fields of their own: 0x5"},
		{"multitrack type", opus, func(h *AudioHeader) { h.Multitrack, h.MultitrackType = true, 16 },
			"multitrack type has more than four bits: 0x10"},
		{"cut ModEx", opus, func(h *AudioHeader) { h.ModEx = ModEx{0} }, "ModEx to be written is malformed: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.change(&c.h)
			b, err := AppendAudioHeader([]byte("x"), c.h)
			requireError(t, err, "flv: offset 0: "+c.want)
			assert.Equal(t, []byte("x"), b)
		})
	}
}

func TestSoundFormatNames(t *testing.T) {
	assert.Equal(t, "AAC", AudioAAC.String())
	assert.Equal(t, "sound format 12", SoundFormat(12).String())
	for _, c := range []struct{ body, want string }{
		{"af 01", "AAC"}, {"c0", "sound format 12"}, {"91 65632d33", "E-AC-3"}, {"91 6f707573", "opus"}, {"95 21", ""},
	} {
		h, err := ParseAudioHeader(unhex(c.body))
		require.NoError(t, err)
		assert.Equal(t, c.want, h.CodecName(), c.body)
	}
}
