package flv

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseVideoHeader(t *testing.T) {
	type role struct{ frame, key, config bool }
	for _, c := range []struct {
		name, body string
		want       VideoHeader
		role       role
	}{
		{"empty", "", VideoHeader{Empty: true}, role{}},
		{"AVC configuration", "17 00 000000 01",
			VideoHeader{FrameType: FrameKey, Codec: VideoAVC, Data: []byte{1}}, role{config: true}},
		{"AVC key frame", "17 01 000050 aabb",
			VideoHeader{FrameType: FrameKey, Codec: VideoAVC, PacketType: AVCNALU, CompositionTime: 80, Data: []byte{0xaa, 0xbb}},
			role{frame: true, key: true}},
		{"composition time -1", "27 01 ffffff",
			VideoHeader{FrameType: FrameInter, Codec: VideoAVC, PacketType: AVCNALU, CompositionTime: -1, Data: []byte{}}, role{frame: true}},
		{"composition time highest", "27 01 7fffff",
			VideoHeader{FrameType: FrameInter, Codec: VideoAVC, PacketType: AVCNALU, CompositionTime: 1<<23 - 1, Data: []byte{}}, role{frame: true}},
		{"composition time lowest", "27 01 800000",
			VideoHeader{FrameType: FrameInter, Codec: VideoAVC, PacketType: AVCNALU, CompositionTime: -1 << 23, Data: []byte{}}, role{frame: true}},
		{"AVC end", "17 02 000000", VideoHeader{FrameType: FrameKey, Codec: VideoAVC, PacketType: AVCEndOfSequence, Data: []byte{}}, role{}},
		{"AVC end, short", "17 02", VideoHeader{FrameType: FrameKey, Codec: VideoAVC, PacketType: AVCEndOfSequence}, role{}},
		{"AVC packet type not known", "17 07 000000", VideoHeader{FrameType: FrameKey, Codec: VideoAVC, PacketType: 7, Data: []byte{}}, role{}},
		{"HEVC", "1c 01 000001 aa",
			VideoHeader{FrameType: FrameKey, Codec: VideoHEVC, PacketType: AVCNALU, CompositionTime: 1, Data: []byte{0xaa}},
			role{frame: true, key: true}},
		{"VP6", "14 35 aa", VideoHeader{FrameType: FrameKey, Codec: VideoVP6, Data: []byte{0x35, 0xaa}}, role{frame: true, key: true}},
		{"H.263", "32", VideoHeader{FrameType: FrameDisposableInter, Codec: VideoSorensonH263, Data: []byte{}}, role{frame: true}},
		{"key frame of a server", "42 00", VideoHeader{FrameType: FrameGeneratedKey, Codec: VideoSorensonH263, Data: []byte{0}},
			role{frame: true, key: true}},
		{"command", "57 01", VideoHeader{FrameType: FrameCommand, Codec: VideoAVC, Command: 1, Data: []byte{}}, role{}},
		{"codec not known", "1f", VideoHeader{FrameType: FrameKey, Codec: 15, Data: []byte{}}, role{frame: true, key: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := ParseVideoHeader(unhex(c.body))
			require.NoError(t, err)
			assert.Equal(t, c.want, h)
			assert.Equal(t, c.role, role{h.IsFrame(), h.IsKeyFrame(), h.IsSequenceHeader()})
		})
	}
}

func TestParseVideoHeaderMalformed(t *testing.T) {
	for _, c := range []struct {
		body    string
		missing int64
	}{
		{"17", 4}, {"17 00", 3}, {"17 01 00", 2}, {"17 01 0000", 1}, {"2c 01 0000", 1}, {"52", 1}, {"57", 1},
	} {
		_, err := ParseVideoHeader(unhex(c.body))
		requireCut(t, err, 0, c.missing)
	}
	_, err := ParseVideoHeader(unhex("90 68766331"))
	requireError(t, err, "flv: offset 0: video tag: 0x90: enhanced RTMP header: unsupported operation")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
}

func TestParseAudioHeader(t *testing.T) {
	for _, c := range []struct {
		name, body    string
		want          AudioHeader
		frame, config bool
	}{
		{"empty", "", AudioHeader{Empty: true}, false, false},
		{"AAC configuration", "af 00 1210", AudioHeader{Format: AudioAAC, SampleRate: 44100, SampleSize: 16, Channels: 2,
			Data: []byte{0x12, 0x10}}, false, true},
		{"AAC frame", "af 01 21", AudioHeader{Format: AudioAAC, SampleRate: 44100, SampleSize: 16, Channels: 2,
			PacketType: AACRaw, Data: []byte{0x21}}, true, false},
		{"PCM 5.5 kHz", "00", AudioHeader{Format: AudioPCM, SampleRate: 5512, SampleSize: 8, Channels: 1, Data: []byte{}}, true, false},
		{"ADPCM 11 kHz", "15", AudioHeader{Format: AudioADPCM, SampleRate: 11025, SampleSize: 8, Channels: 2, Data: []byte{}}, true, false},
		{"MP3 22 kHz", "2a ff", AudioHeader{Format: AudioMP3, SampleRate: 22050, SampleSize: 16, Channels: 1, Data: []byte{0xff}}, true, false},
		{"PCM 44 kHz", "3f 00", AudioHeader{Format: AudioPCMLE, SampleRate: 44100, SampleSize: 16, Channels: 2, Data: []byte{0}}, true, false},
		{"Nellymoser 16 kHz", "42", AudioHeader{Format: AudioNellymoser16k, SampleRate: 16000, SampleSize: 16, Channels: 1, Data: []byte{}}, true, false},
		{"Nellymoser 8 kHz", "52", AudioHeader{Format: AudioNellymoser8k, SampleRate: 8000, SampleSize: 16, Channels: 1, Data: []byte{}}, true, false},
		{"Nellymoser", "6a", AudioHeader{Format: AudioNellymoser, SampleRate: 22050, SampleSize: 16, Channels: 1, Data: []byte{}}, true, false},
		{"A-law", "72", AudioHeader{Format: AudioALaw, SampleRate: 8000, SampleSize: 16, Channels: 1, Data: []byte{}}, true, false},
		{"Speex", "b2 1e", AudioHeader{Format: AudioSpeex, SampleRate: 16000, SampleSize: 16, Channels: 1, Data: []byte{0x1e}}, true, false},
		{"MP3 8 kHz", "ee", AudioHeader{Format: AudioMP38k, SampleRate: 8000, SampleSize: 16, Channels: 1, Data: []byte{}}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := ParseAudioHeader(unhex(c.body))
			require.NoError(t, err)
			assert.Equal(t, c.want, h)
			assert.Equal(t, c.frame, h.IsFrame())
			assert.Equal(t, c.config, h.IsSequenceHeader())
		})
	}
}

func TestParseAudioHeaderMalformed(t *testing.T) {
	_, err := ParseAudioHeader(unhex("af"))
	requireCut(t, err, 0, 1)
	_, err = ParseAudioHeader(unhex("90 4f707573"))
	requireError(t, err, "flv: offset 0: audio tag: 0x90: enhanced RTMP header: unsupported operation")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
}

func TestCodecNames(t *testing.T) {
	assert.Equal(t, "H.264", VideoAVC.String())
	assert.Equal(t, "video codec 9", VideoCodec(9).String())
	assert.Equal(t, "AAC", AudioAAC.String())
	assert.Equal(t, "sound format 12", SoundFormat(12).String())
}
