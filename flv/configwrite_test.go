package flv

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Records that FFmpeg wrote for the output of x265 and libaom, in addition to those in configs_test.go.
var (
	hevcRecords = map[string]string{
		"Main": hevcRecord, "Main 10": hevcMain10,
		"4:2:2":            "0104080000009d08000000003cf000fcfef8f800000f03200001001740010c01ffff0408000003009d0800000300003c95980921000100294201010408000003009d0800000300003cb00a480b9c9796566924caf0168080000003008000000c8422000100074401c172b46240",
		"4:4:4 of 12 bits": "0104080000009808000000003cf000fcfffcfc00000f03200001001740010c01ffff040800000300980800000300003c959809210001002c420101040800000300980800000300003c90014901739eca52cacd24995e02d010000003001000000301908022000100084401c172860c4624",
		"monochrome":       "0104080000009fc8000000003cf000fcfcf8f800000f03200001001740010c01ffff0408000003009fc800000300003c959809210001002a4201010408000003009fc800000300003cc029202e73de5959a4932bc05b02000003000200000300321022000100074401c172b46240",
		"two sublayers":    "0101600000009000000000003cf000fcfdf8f800001303200001001c40010c02ffff01600000030090000003000003003c00009598acc048210001002f42010201600000030090000003000003003c0000a00a480b9c95965662b349265780b404000003000400000300642022000100074401c172b46240",
	}
	av1Records = map[string]string{
		"4:2:0": av1Record, "10 bits": "81004c000a0b000000043d06d4daf94040", "4:2:2": "814008000a0a400000043d06d4daf901",
		"4:4:4": "812000000a0a200000043d06d4daf902", "monochrome": "81001c000a0a000000043d06d4daf92a",
		"12 bits": "81406c000a0b400000043d06d4daf96308", "4:2:2 of 12 bits": "814068000a0b400000043d06d4daf96220",
		"RGB": "812000000a0d200000043d06d4daf92021a004", "SVT-AV1": "81000c000a0a00000003b4fd900be001",
	}
)

func TestAppendAVCConfig(t *testing.T) {
	for _, c := range avcRecords {
		t.Run(c.name, func(t *testing.T) {
			parsed, err := ParseAVCConfig(unhex(c.record))
			require.NoError(t, err)
			b, err := AppendAVCConfig([]byte("x"), AVCConfig{SPS: parsed.SPS, PPS: parsed.PPS})
			require.NoError(t, err)
			assert.Equal(t, append([]byte("x"), unhex(c.record)...), b)
		})
	}
	parsed, err := ParseAVCConfig(unhex(avcRecords[2].record))
	require.NoError(t, err)
	b, err := AppendAVCConfig(nil, AVCConfig{SPS: parsed.SPS, PPS: [][]byte{{0x68, 1}, {0x68, 2, 3}}, NALLengthSize: 2})
	require.NoError(t, err)
	again, err := ParseAVCConfig(b)
	require.NoError(t, err)
	assert.Equal(t, 2, again.NALLengthSize)
	assert.Equal(t, [][]byte{{0x68, 1}, {0x68, 2, 3}}, again.PPS)
}

// TestAppendConfigsToTheLimits checks configurations with the largest numbers and sizes of parameter sets.
func TestAppendConfigsToTheLimits(t *testing.T) {
	avc, err := ParseAVCConfig(unhex(avcRecords[2].record))
	require.NoError(t, err)
	avc.SPS, avc.PPS = slices.Repeat(avc.SPS, 31), slices.Repeat(avc.PPS, 254)
	avc.PPS = append(avc.PPS, make([]byte, 65535))
	b, err := AppendAVCConfig(nil, avc)
	require.NoError(t, err)
	again, err := ParseAVCConfig(b)
	require.NoError(t, err)
	assert.Equal(t, avc, again)

	hevc, err := ParseHEVCConfig(unhex(hevcRecord))
	require.NoError(t, err)
	hevc.VPS, hevc.SPS, hevc.PPS = slices.Repeat(hevc.VPS, 64), slices.Repeat(hevc.SPS, 64), slices.Repeat(hevc.PPS, 64)
	b, err = AppendHEVCConfig(nil, hevc)
	require.NoError(t, err)
	againHEVC, err := ParseHEVCConfig(b)
	require.NoError(t, err)
	assert.Equal(t, hevc, againHEVC)
}

func TestAppendAVCConfigMalformed(t *testing.T) {
	parsed, err := ParseAVCConfig(unhex(avcRecords[2].record))
	require.NoError(t, err)
	sps, pps := parsed.SPS, parsed.PPS
	for _, c := range []struct {
		config AVCConfig
		want   string
	}{
		{AVCConfig{}, "number of SPS is not from 1 to 31: 0"},
		{AVCConfig{SPS: make([][]byte, 32)}, "number of SPS is not from 1 to 31: 32"},
		{AVCConfig{SPS: sps}, "number of PPS is not from 1 to 255: 0"},
		{AVCConfig{SPS: sps, PPS: make([][]byte, 256)}, "number of PPS is not from 1 to 255: 256"},
		{AVCConfig{SPS: sps, PPS: pps, NALLengthSize: 3}, "size of the lengths of NAL units is not 1, 2 or 4: 3"},
		{AVCConfig{SPS: pps, PPS: pps}, "NAL unit is not an SPS: 0x68"},
		{AVCConfig{SPS: [][]byte{sps[0][:6]}, PPS: pps}, "ends inside SPS, bytes missing: 1: unexpected EOF"},
		{AVCConfig{SPS: sps, PPS: [][]byte{{}}}, "size of a parameter set is not from 1 to 65535: 0"},
		{AVCConfig{SPS: sps, PPS: [][]byte{make([]byte, 65536)}}, "size of a parameter set is not from 1 to 65535: 65536"},
	} {
		b, err := AppendAVCConfig([]byte("x"), c.config)
		requireError(t, err, "flv: offset 0: "+c.want)
		assert.Equal(t, []byte("x"), b)
	}
}

func TestAppendHEVCConfig(t *testing.T) {
	for name, record := range hevcRecords {
		t.Run(name, func(t *testing.T) {
			parsed, err := ParseHEVCConfig(unhex(record))
			require.NoError(t, err)
			b, err := AppendHEVCConfig([]byte("x"), HEVCConfig{VPS: parsed.VPS, SPS: parsed.SPS, PPS: parsed.PPS})
			require.NoError(t, err)
			want := unhex(record)
			for at := hevcConfigFixed; at < len(want); { // clear array_completeness in x265's records: only a muxer knows it
				want[at] &^= 0x80
				at += 5 + int(want[at+3])<<8 + int(want[at+4])
			}
			assert.Equal(t, append([]byte("x"), want...), b)
		})
	}
}

func TestAppendHEVCConfigMalformed(t *testing.T) {
	c, err := ParseHEVCConfig(unhex(hevcRecord))
	require.NoError(t, err)
	withoutDepths := hevcSPSBits("1111 000 1"+strings.Repeat("0", 96), 0, 1, 320, 182, "0") // enough to read the size
	_, err = parseHEVCSPS(withoutDepths)
	require.NoError(t, err)
	for _, m := range []struct {
		config HEVCConfig
		want   string
	}{
		{HEVCConfig{SPS: c.SPS, PPS: c.PPS}, "number of VPS, SPS or PPS is not from 1 to 64: 0"},
		{HEVCConfig{VPS: c.VPS, SPS: make([][]byte, 65), PPS: c.PPS}, "number of VPS, SPS or PPS is not from 1 to 64: 65"},
		{HEVCConfig{VPS: c.VPS, SPS: c.SPS}, "number of VPS, SPS or PPS is not from 1 to 64: 0"},
		{HEVCConfig{VPS: c.VPS, SPS: c.PPS, PPS: c.PPS}, "NAL unit is not an HEVC SPS: 0x44"},
		{HEVCConfig{VPS: c.VPS, SPS: [][]byte{c.SPS[0][:24]}, PPS: c.PPS}, "ends inside HEVC SPS, bytes missing: 1: unexpected EOF"},
		{HEVCConfig{VPS: [][]byte{{}}, SPS: c.SPS, PPS: c.PPS}, "size of a parameter set is not from 1 to 65535: 0"},
		{HEVCConfig{NALLengthSize: 5}, "size of the lengths of NAL units is not 1, 2 or 4: 5"},
		{HEVCConfig{VPS: c.VPS, SPS: [][]byte{withoutDepths}, PPS: c.PPS}, "ends inside HEVC SPS, bytes missing: 1: unexpected EOF"},
	} {
		b, err := AppendHEVCConfig([]byte("x"), m.config)
		requireError(t, err, "flv: offset 0: "+m.want)
		assert.Equal(t, []byte("x"), b)
	}
}

func TestAppendAV1Config(t *testing.T) {
	for name, record := range av1Records {
		t.Run(name, func(t *testing.T) {
			want := unhex(record)
			b, err := AppendAV1Config([]byte("x"), AV1Config{OBUs: want[4:]})
			require.NoError(t, err)
			assert.Equal(t, append([]byte("x"), want...), b)

			unit := append(unhex("1200"), want[4:]...) // with a temporal delimiter before the record's OBUs, and a frame after them
			b, err = AppendAV1Config(nil, AV1Config{OBUs: append(unit, unhex("3202aabb")...)})
			require.NoError(t, err)
			assert.Equal(t, want, b)

			alone := append([]byte{want[4] &^ 2}, want[6:]...) // an OBU without a size
			b, err = AppendAV1Config(nil, AV1Config{OBUs: alone})
			require.NoError(t, err)
			assert.Equal(t, want, b)
		})
	}
	b, err := AppendAV1Config(nil, AV1Config{OBUs: append(unhex(av1Record)[4:], unhex("2a02 0401")...)})
	require.NoError(t, err)
	assert.Equal(t, unhex(av1Record+"2a02 0401"), b, "with metadata")
}

// TestAppendAV1ConfigOfFields checks the fields that the configuration copies from the sequence header, after all forms of the fields
// before them.
func TestAppendAV1ConfigOfFields(t *testing.T) {
	const (
		still = "1 1 01001 "                          // one picture of level 9
		size  = "0111 0110 01001111 0101101 "         // 80x46
		tools = "000 000 "                            // tools in the header of a single picture
		video = "0 0 0 0 00000 000000000000 01001 1 " // one operating point of level 9, in the high tier
		point = "000000000000 "                       // operating_point_idc
	)
	for _, c := range []struct {
		name   string
		fields []string
		want   string // the bytes after the version
	}{
		{"chroma that is located", []string{"000", still, size, tools, "0 0 0 0 10"}, "09 0e 00"},
		{"the last bit of the OBU", []string{"000", still, size, tools, "000000 0 0 0 0 00"}, "09 0c 00"},
		{"frame ids", []string{"000", video, size, "1 1111111 000 0000 0 00 000 ", "0 0 0 0 10"}, "09 8e 00"},
		{"the first operating point counts", []string{"000 0 0 0 0 00001", point, "00111", point, "01001 1", size,
			"0 000 0000 0 00 000", "0 0 0 0 01"}, "07 0d 00"},
		{"RGB of 12 bits", []string{"010", still, size, tools, "1 1 0 1 00000001 00001101 00000000", "1111"}, "49 60 00"},
		{"4:2:0 of 12 bits", []string{"010", still, size, tools, "1 1 0 0 0 1 1 10"}, "49 6e 00"},
		{"4:2:2 of 12 bits", []string{"010", still, size, tools, "1 1 0 0 0 1 0 11"}, "49 68 00"},
		{"4:2:2", []string{"010", still, size, tools, "1 0 0 0 0 11"}, "49 48 00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := AppendAV1Config(nil, AV1Config{OBUs: av1Bits(c.fields...)})
			require.NoError(t, err)
			assert.Equal(t, unhex("81"+c.want), b[:4])
		})
	}
}

func TestAppendAV1ConfigMalformed(t *testing.T) {
	for _, c := range []struct{ obus, want string }{
		{"", "offset 0: no sequence header among the OBUs"},
		{"1200 3202aabb", "offset 0: no sequence header among the OBUs"},
		{"1200 80", "offset 2: OBU: forbidden bit is set: 0x80"},
		{"1200 0a03 000000", "offset 2: ends inside AV1 sequence header, bytes missing: 1: unexpected EOF"},
		{"0a08 000000043d06d4da", "offset 0: ends inside AV1 sequence header, bytes missing: 1: unexpected EOF"},
	} {
		b, err := AppendAV1Config([]byte("x"), AV1Config{OBUs: unhex(c.obus)})
		requireError(t, err, "flv: "+c.want)
		assert.Equal(t, []byte("x"), b)
	}
}

func TestAppendAudioSpecificConfig(t *testing.T) {
	for _, c := range []struct {
		name, want string
		config     AudioSpecificConfig
	}{
		{"44.1 kHz mono", "1208", AudioSpecificConfig{ObjectType: 2, SampleRate: 44100, Channels: 1}},
		{"48 kHz stereo, by the core's rate", "1190", AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 48000, Channels: 2}},
		{"5.1", "11b0", AudioSpecificConfig{ObjectType: 2, SampleRate: 48000, Channels: 6}},
		{"7.1", "11b8", AudioSpecificConfig{ObjectType: 2, SampleRate: 48000, Channels: 8}},
		{"96 kHz", "1010", AudioSpecificConfig{ObjectType: 2, SampleRate: 96000, Channels: 2}},
		{"Main", "0a10", AudioSpecificConfig{ObjectType: 1, SampleRate: 44100, Channels: 2}},
		{"LTP", "2210", AudioSpecificConfig{ObjectType: 4, SampleRate: 44100, Channels: 2}},
		{"SBR", "139056e5a0", AudioSpecificConfig{ObjectType: 2, SBR: true, SampleRate: 44100, Channels: 2}},
		{"PS", "138856e5a54880", AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 22050, SBR: true, PS: true, SampleRate: 44100, Channels: 2}},
		{"rate of 24 bits", "17 80 5622 90", AudioSpecificConfig{ObjectType: 2, SampleRate: 44101, Channels: 2}},
		{"lowest rate", "17 80 0000 90", AudioSpecificConfig{ObjectType: 2, SampleRate: 1, Channels: 2}},
		{"highest rate", "17 ff ffff 90", AudioSpecificConfig{ObjectType: 2, SampleRate: 1<<24 - 1, Channels: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := AppendAudioSpecificConfig([]byte("x"), c.config)
			require.NoError(t, err)
			assert.Equal(t, append([]byte("x"), unhex(c.want)...), b)
			parsed, err := ParseAudioSpecificConfig(b[1:])
			require.NoError(t, err)
			again, err := AppendAudioSpecificConfig(nil, parsed)
			require.NoError(t, err)
			assert.Equal(t, b[1:], again)
		})
	}
	for _, c := range []struct {
		config AudioSpecificConfig
		want   string
	}{
		{AudioSpecificConfig{SampleRate: 44100, Channels: 2}, "object type of AudioSpecificConfig is not from 1 to 4: 0x0"},
		{AudioSpecificConfig{ObjectType: 5, SampleRate: 44100, Channels: 2}, "object type of AudioSpecificConfig is not from 1 to 4: 0x5"},
		{AudioSpecificConfig{ObjectType: 39, SampleRate: 44100, Channels: 2}, "object type of AudioSpecificConfig is not from 1 to 4: 0x27"},
		{AudioSpecificConfig{ObjectType: 2, Channels: 2}, "sample rates of AudioSpecificConfig are impossible: [2]int{0, 0}"},
		{AudioSpecificConfig{ObjectType: 2, SampleRate: 1 << 24, Channels: 2}, "sample rates of AudioSpecificConfig are impossible: [2]int{0, 16777216}"},
		{AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 22050, SampleRate: 44100, Channels: 2}, "sample rates of AudioSpecificConfig are impossible: [2]int{22050, 44100}"},
		{AudioSpecificConfig{ObjectType: 2, SampleRate: 44100}, "number of channels has no channel configuration: 0"},
		{AudioSpecificConfig{ObjectType: 2, SampleRate: 44100, Channels: 9}, "number of channels has no channel configuration: 9"},
		{AudioSpecificConfig{ObjectType: 2, SampleRate: 44100, SBR: true, PS: true, Channels: 6}, "number of channels has no channel configuration: 6"},
	} {
		b, err := AppendAudioSpecificConfig([]byte("x"), c.config)
		requireError(t, err, "flv: offset 0: "+c.want)
		assert.Equal(t, []byte("x"), b)
	}
}

func TestClone(t *testing.T) {
	requireKept := func(name, record string, parse func(b []byte) (parsed, clone any)) {
		t.Helper()
		b := unhex(record)
		parsed, clone := parse(b)
		require.Equal(t, parsed, clone, name)
		clear(b)
		require.NotEqual(t, parsed, clone, "%s: the parsed value is a view", name)
		want, _ := parse(unhex(record))
		require.Equal(t, want, clone, name)
	}
	requireKept("H.264", avcRecords[0].record, func(b []byte) (any, any) { c, _ := ParseAVCConfig(b); return c, c.Clone() })
	requireKept("H.265", hevcRecord, func(b []byte) (any, any) { c, _ := ParseHEVCConfig(b); return c, c.Clone() })
	requireKept("AV1", av1Record, func(b []byte) (any, any) { c, _ := ParseAV1Config(b); return c, c.Clone() })
	requireKept("Opus", opus51, func(b []byte) (any, any) { c, _ := ParseOpusHead(b); return c, c.Clone() })
	requireKept("FLAC", flacRecord, func(b []byte) (any, any) { c, _ := ParseFLACConfig(b); return c, c.Clone() })
	requireKept("video", "97 02 0000fa 01 76703039 8249", func(b []byte) (any, any) { h, _ := ParseVideoHeader(b); return h, h.Clone() })
	requireKept("audio", "97 02 000001 01 4f707573 fc", func(b []byte) (any, any) { h, _ := ParseAudioHeader(b); return h, h.Clone() })
}

func TestParseVVCConfigSets(t *testing.T) {
	const arrays = "03 8d 0002 006b 8f 0002 0003 0079aa 0003 0079bb 90 0001 0004 00810102" // a DCI, two SPS and a PPS
	want := [][]byte{unhex("006b"), unhex("0079aa"), unhex("0079bb"), unhex("00810102")}
	full := vvcRecord[:len(vvcRecord)-2] + arrays
	for _, record := range []string{full, "fa" + arrays} {
		c, err := ParseVVCConfig(unhex(record))
		require.NoError(t, err)
		assert.Equal(t, want, c.Sets)
		b := unhex(record)
		c, err = ParseVVCConfig(b)
		require.NoError(t, err)
		kept := c.Clone()
		clear(b)
		assert.Equal(t, want, kept.Sets)
	}
	b := unhex("fa" + arrays)
	for n := 2; n < len(b); n++ {
		var e *Error
		_, err := ParseVVCConfig(b[:n])
		require.ErrorAs(t, err, &e, "cut at %d", n)
	}
	c, err := ParseVVCConfig(unhex("fa 01 8f 0100" + strings.Repeat("0001 79", 256)))
	require.NoError(t, err)
	assert.Len(t, c.Sets, 256)
	_, err = ParseVVCConfig(unhex("fa 01 8f 0101"))
	requireError(t, err, "flv: offset 3: too many NAL units in VVC configuration: 257")
}

func TestVPConfigOf(t *testing.T) {
	for _, c := range []struct {
		codec FourCC
		frame string
		want  VPConfig
		ok    bool
	}{
		{FourCCVP8, vp8Frame, VPConfig{BitDepth: 8, Chroma: 1, Primaries: 2, Transfer: 2, Matrix: 2}, true},
		{FourCCVP8, "31" + vp8Frame[2:], VPConfig{}, false},
		{FourCCVP9, vp9Frame420, VPConfig{BitDepth: 8, Chroma: 1, Primaries: 2, Transfer: 2, Matrix: 2}, true},
		{FourCCVP9, vp9Frame444, VPConfig{Profile: 3, BitDepth: 10, Chroma: 3, Primaries: 2, Transfer: 2, Matrix: 2}, true},
		{FourCCVP9, "a0 498342 e0 14 10 0b 50", VPConfig{Profile: 1, BitDepth: 8, Chroma: 3, FullRange: true, Primaries: 2, Transfer: 2}, true},
		{FourCCVP9, hex.EncodeToString(packed("10 01 0 0 1 0", "01001001 10000011 01000010", "1 010 0", strings.Repeat("1", 32))), // 12 bits
			VPConfig{Profile: 2, BitDepth: 12, Chroma: 1, Primaries: 2, Transfer: 2, Matrix: 2}, true},
		{FourCCVP9, "86" + vp9Frame420[2:], VPConfig{}, false},
		{FourCCAV1, av1Frame, VPConfig{}, false},
	} {
		got, ok := VPConfigOf(c.codec, unhex(c.frame))
		assert.Equal(t, c.ok, ok, "%s %s", c.codec, c.frame)
		if ok {
			assert.Equal(t, c.want, got, "%s %s", c.codec, c.frame)
		}
	}
}
