package flv

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Records and beginnings of frames, written by x265, libvpx, libaom, libopus and FFmpeg's own encoders for pictures of
// 322x182 pixels.
const (
	hevcRecord = "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959809" +
		"a10001002b42010101600000030090000003000003003ca00a480b9c9596566924caf016808000000300800000030284a2000100" +
		"074401c172b46240"
	hevcMain10 = "0102200000009000000000003cf000fcfdfafa00000f03a00001001840010c01ffff02200000030090000003000003003c959809" +
		"a10001002c42010102200000030090000003000003003ca00a480b9c94d96566924caf0168080000030008000003002840a20001" +
		"00074401c172b46240"
	av1Record    = "81000c000a0b000000043d06d4daf90040"
	av1Frame     = "0a0b000000043d06d4daf90040 3206 1400a0b010b4"
	vp9Record    = "01000000 000b820202020000"
	vp9Frame420  = "824983420014100b560838241c184a00"
	vp9Frame444  = "b124c1a10000a0805ab041c120e0c2c0" // profile 3, 10 bits
	vp8Frame     = "3059009d012a4201b600000708858858"
	opusStereo   = "4f70757348656164 01 02 3801 80bb0000 0000 00"
	opus51       = "4f70757348656164 01 06 3801 80bb0000 0000 01 0402 000401020305"
	flacInfo     = "120012000000780005110bb802f0000012c0ba43705036a3bb057849a9f54f6928a3"
	flacRecord   = "664c6143 80000022" + flacInfo
	ac3Frame51   = "0b77b50b1e40ebf8403eff99ff0841fc"
	ac3FrameMono = "0b7738664c402f842be1877b875dfbe7"
	eac3Frame    = "0b77017f3487c0002084210838008c06"
	eac3Frame51  = "0b77037f3f87c00020f8200002004000"
	mp3Frame48k  = "fffb54c4"
	mp3Frame22k  = "fff38064"

	// These are written by hand: NAL unit lengths of four bytes, Main 10, level 4.1, 1920x1080. The first has one sublayer, the second
	// three with a level and a subprofile.
	vvcRecord    = "ff 0011 5f 01 02 43 80 00 0780 0438 0000 00"
	vvcSublayers = "ff 0031 5f 01 02 43 80 40 33 01 00000001 0780 0438 0000 00"
)

func requireCutEverywhere(t *testing.T, record string, parse func(b []byte) error) {
	t.Helper()
	b := unhex(record)
	require.NoError(t, parse(b))
	for n := range b {
		var e *Error
		require.ErrorAs(t, parse(b[:n]), &e, "cut at %d", n)
	}
}

func TestParseVVCConfig(t *testing.T) {
	want := VVCConfig{NALLengthSize: 4, Profile: 1, Level: 67, BitDepth: 10, Width: 1920, Height: 1080}
	reserved := strings.Replace(vvcSublayers, "40 33", "7f 33", 1) // flags beyond those of the sublayers
	for _, record := range []string{vvcRecord, vvcSublayers, reserved} {
		c, err := ParseVVCConfig(unhex(record))
		require.NoError(t, err)
		assert.Equal(t, want, c)
	}
	c, err := ParseVVCConfig([]byte{0xfa})
	require.NoError(t, err)
	assert.Equal(t, VVCConfig{NALLengthSize: 2}, c, "no profile, tier and level")

	b := unhex(vvcSublayers)
	for n := range len(b) - 3 { // the frame rate and the parameter sets may be left out
		_, err := ParseVVCConfig(b[:n])
		requireError(t, err, "flv: offset 0: ends inside VVC configuration, bytes missing: 1: unexpected EOF")
	}
	_, err = ParseVVCConfig(unhex("ff 0011 5f 01 02 43 80 00 0000 0438"))
	requireError(t, err, "flv: offset 0: width and height of VVC configuration are impossible: [2]int64{0, 1080}")
}

func TestVPConfig(t *testing.T) {
	want := VPConfig{Level: 11, BitDepth: 8, Chroma: 1, Primaries: 2, Transfer: 2, Matrix: 2}
	for _, record := range []string{vp9Record, vp9Record[8:]} {
		c, err := ParseVPConfig(unhex(record))
		require.NoError(t, err)
		assert.Equal(t, want, c)
	}
	assert.Equal(t, unhex(vp9Record), AppendVPConfig(nil, want))
	full := VPConfig{Profile: 3, Level: 41, BitDepth: 12, Chroma: 3, FullRange: true, Primaries: 9, Transfer: 16, Matrix: 9}
	b := AppendVPConfig(nil, full)
	assert.Equal(t, unhex("01000000 03 29 c7 09 10 09 0000"), b)
	c, err := ParseVPConfig(b)
	require.NoError(t, err)
	assert.Equal(t, full, c)

	for n := range 8 {
		_, err := ParseVPConfig(make([]byte, n))
		requireCut(t, err, 0, int64(8-n))
	}
}

func TestOpusHead(t *testing.T) {
	for _, c := range []struct {
		record string
		want   OpusHead
	}{
		{opusStereo, OpusHead{Channels: 2, PreSkip: 312, InputSampleRate: 48000}},
		{opus51, OpusHead{Channels: 6, PreSkip: 312, InputSampleRate: 48000, MappingFamily: 1, Mapping: unhex("0402000401020305")}},
		{"4f70757348656164 01 ff 0000 00000000 0000 00", OpusHead{Channels: 255}},
		{"4f70757348656164 01 01 0000 00000000 ff7f 00", OpusHead{Channels: 1, OutputGain: 1<<15 - 1}},
		{"4f70757348656164 01 01 0000 00000000 0080 00", OpusHead{Channels: 1, OutputGain: -1 << 15}},
	} {
		h, err := ParseOpusHead(unhex(c.record))
		require.NoError(t, err)
		assert.Equal(t, c.want, h)
		b, err := AppendOpusHead([]byte("x"), h)
		require.NoError(t, err)
		assert.Equal(t, append([]byte("x"), unhex(c.record)...), b)
		requireCutEverywhere(t, c.record, func(b []byte) error { _, err := ParseOpusHead(b); return err })
	}
}

func TestOpusHeadLaterVersion(t *testing.T) {
	h, err := ParseOpusHead(unhex("4f70757348656164 0f 02 3801 80bb0000 0000 00"))
	require.NoError(t, err, "the lower half of the version is for compatible changes")
	assert.Equal(t, 2, h.Channels)
}

func TestOpusHeadMalformed(t *testing.T) {
	for _, c := range []struct{ record, want string }{
		{"", "flv: offset 0: ends inside OpusHead, bytes missing: 19: unexpected EOF"},
		{"4f70757354616773 01 02 3801 80bb0000 0000 00", `flv: offset 0: configuration of Opus does not begin with OpusHead: "OpusTags"`},
		{"4f70757348656164 ff 02 3801 80bb0000 0000 00", "flv: offset 8: unknown version of OpusHead: 0xff"},
		{"4f70757348656164 10 02 3801 80bb0000 0000 00", "flv: offset 8: unknown version of OpusHead: 0x10"},
		{"4f70757348656164 01 00 3801 80bb0000 0000 00", "flv: offset 9: OpusHead has no channels"},
		{"4f70757348656164 01 ff 3801 80bb0000 0000 01 00", "flv: offset 0: ends inside channel mapping of OpusHead, bytes missing: 256: unexpected EOF"},
	} {
		_, err := ParseOpusHead(unhex(c.record))
		requireError(t, err, c.want)
	}
	for _, c := range []struct {
		head OpusHead
		want string
	}{
		{OpusHead{}, "number of channels of OpusHead is not from 1 to 255: 0"},
		{OpusHead{Channels: 256}, "number of channels of OpusHead is not from 1 to 255: 256"},
		{OpusHead{Channels: 2, Mapping: []byte{1}}, "size of the channel mapping of OpusHead does not fit its family and channels: 1"},
		{OpusHead{Channels: 2, MappingFamily: 1, Mapping: []byte{1}}, "size of the channel mapping of OpusHead does not fit its family and channels: 1"},
	} {
		b, err := AppendOpusHead([]byte("x"), c.head)
		requireError(t, err, "flv: offset 0: "+c.want)
		assert.Equal(t, []byte("x"), b)
	}
}

func TestFLACConfig(t *testing.T) {
	info := unhex(flacInfo)
	want := FLACConfig{SampleRate: 48000, SampleSize: 16, Channels: 2, StreamInfo: info}
	for name, record := range map[string]string{
		"fLaC, header": flacRecord, "header": flacRecord[9:], "alone": flacInfo, "fLaC alone": "664c6143" + flacInfo,
		"more blocks": "664c6143 00000022" + flacInfo + "84000000",
	} {
		c, err := ParseFLACConfig(unhex(record))
		require.NoError(t, err, name)
		assert.Equal(t, want, c, name)
	}
	b, err := AppendFLACConfig([]byte("x"), info)
	require.NoError(t, err)
	assert.Equal(t, append([]byte("x"), unhex(flacRecord)...), b)
	requireCutEverywhere(t, flacRecord, func(b []byte) error { _, err := ParseFLACConfig(b); return err })
}

func TestFLACConfigMalformed(t *testing.T) {
	_, err := ParseFLACConfig(unhex("664c6143 80000022 1200"))
	requireCut(t, err, 0, 32)
	for _, beginning := range []string{"664c6143", "80000022"} {
		_, err = ParseFLACConfig(unhex(beginning))
		requireCut(t, err, 0, 34)
	}
	_, err = ParseFLACConfig(append(unhex("664c6143 80000022"), make([]byte, 34)...))
	requireError(t, err, "flv: offset 18: sample rate of FLAC is 0")
	b, err := AppendFLACConfig([]byte("x"), make([]byte, 33))
	requireError(t, err, "flv: offset 0: STREAMINFO does not have 34 bytes: 33")
	assert.Equal(t, []byte("x"), b)
}

// TestFrames reads the size of pictures, and the sample rate and channels of audio, from frames of codecs without a configuration.
func TestFrames(t *testing.T) {
	size := func(f func([]byte) (int, int)) func([]byte) [2]int {
		return func(b []byte) [2]int { w, h := f(b); return [2]int{w, h} }
	}
	sound := func(f func([]byte) (int, int, bool)) func([]byte) [2]int {
		return func(b []byte) [2]int {
			rate, channels, ok := f(b)
			if !ok {
				return [2]int{}
			}
			return [2]int{rate, channels}
		}
	}
	vp8, vp9, mp3, ac3 := size(vp8Size), size(vp9Size), sound(parseMP3), sound(parseAC3)
	for _, c := range []struct {
		name  string
		parse func([]byte) [2]int
		frame string
		want  [2]int
	}{
		{"VP8", vp8, vp8Frame, [2]int{322, 182}},
		{"VP8 inter", vp8, "31" + vp8Frame[2:], [2]int{}},
		{"VP8 start code", vp8, "3059009d012b4201b600", [2]int{}},
		{"VP8 scaled", vp8, "3059009d012a42c1b6c0", [2]int{322, 182}},
		{"VP8 without height", vp8, "3059009d012a42010000", [2]int{}},
		{"VP9", vp9, vp9Frame420, [2]int{322, 182}},
		{"VP9 4:4:4, 10 bits", vp9, vp9Frame444, [2]int{322, 182}},
		{"VP9 inter", vp9, "86" + vp9Frame420[2:], [2]int{}},
		{"VP9 sync code", vp9, "82498343" + vp9Frame420[8:], [2]int{}},
		{"VP9 frame marker", vp9, "42" + vp9Frame420[2:], [2]int{}},
		{"VP9 RGB", vp9, "a0 498342 e0 14 10 0b 50", [2]int{322, 182}},
		{"MP3 48 kHz mono", mp3, mp3Frame48k, [2]int{48000, 1}},
		{"MP3 22 kHz stereo", mp3, mp3Frame22k, [2]int{22050, 2}},
		{"MP3 of MPEG 2.5", mp3, "ffe34044", [2]int{11025, 2}},
		{"MP3 version reserved", mp3, "ffeb8064", [2]int{}},
		{"MP3 layer reserved", mp3, "fff98064", [2]int{}},
		{"MP3 bitrate reserved", mp3, "fffbf4c4", [2]int{}},
		{"MP3 rate reserved", mp3, "fffb5cc4", [2]int{}},
		{"ID3", mp3, "49443303", [2]int{}},
		{"AC-3 5.1", ac3, ac3Frame51, [2]int{48000, 6}},
		{"AC-3 mono", ac3, ac3FrameMono, [2]int{44100, 1}},
		{"AC-3 stereo", ac3, "0b77 0000 80 40 40 00", [2]int{32000, 2}},
		{"AC-3 2.1", ac3, "0b77 0000 80 40 44 00", [2]int{32000, 3}},
		{"AC-3 3.1", ac3, "0b77 0000 80 40 74 00", [2]int{32000, 4}},
		{"AC-3 rate reserved", ac3, "0b77 0000 c0 40 40 00", [2]int{}},
		{"AC-3 half rate", ac3, "0b77 0000 00 48 40 00", [2]int{24000, 2}},
		{"E-AC-3 stereo", ac3, eac3Frame, [2]int{48000, 2}},
		{"E-AC-3 5.1", ac3, eac3Frame51, [2]int{48000, 6}},
		{"E-AC-3 half rate", ac3, "0b77 0000 d4 80 00 00", [2]int{22050, 2}},
		{"E-AC-3 rate reserved", ac3, "0b77 0000 f4 80 00 00", [2]int{}},
		{"neither", ac3, "0b77 0000 34 88 00 00", [2]int{}},
		{"no syncframe", ac3, "0b76" + ac3Frame51[4:], [2]int{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(c.frame)
			assert.Equal(t, c.want, c.parse(b))
			for n := range min(len(b), 4) {
				assert.Zero(t, c.parse(b[:n]), "cut at %d", n)
			}
		})
	}
}
