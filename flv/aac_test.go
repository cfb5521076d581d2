package flv

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// aacList is a configuration of AAC LC at 44.1 kHz that lists channel elements of every kind, and signals SBR at its end.
var aacList = packed("00010 0100 0000", "000", // LC, 44.1 kHz, a list follows
	"0000 01 0100", "0001 0001 0001", "01 001 0001", // one element of each kind: front, side and back; LFE, data, coupling
	"1 1111 0 0",                                 // mixed down to mono
	"1 0000", "0 0000", "1 0000", "0000", "0000", // two channels, one, two; LFE, data
	"1 0000",                      // coupling
	"000000", "00000001 01111000", // to the next byte, and a comment
	"01010110111 00101 1 0010")

func TestParseAudioSpecificConfig(t *testing.T) {
	lc := func(rate, channels int) AudioSpecificConfig {
		return AudioSpecificConfig{ObjectType: 2, CoreSampleRate: rate, SampleRate: rate, Channels: channels}
	}
	he := AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 22050, SBR: true, SampleRate: 44100, Channels: 2}
	heV2 := he
	heV2.PS = true
	// 00101 0111 0010 0100 10110, more channels 4, no core coder 2, extended 1, subframes and length of a layer 16, extension 1
	erBSAC := hex.EncodeToString(packed("00101 0111 0010 0100 10110 0100 001 0000000001000000 0"))
	for _, c := range []struct {
		name, config string
		want         AudioSpecificConfig
	}{
		// Configurations that FFmpeg wrote.
		{"44.1 kHz mono", "1208", lc(44100, 1)},
		{"44.1 kHz stereo, extension says no SBR", "121056e500", lc(44100, 2)},
		{"48 kHz stereo", "1190", lc(48000, 2)},
		{"5.1", "11b0", lc(48000, 6)},
		{"7.1", "11b8", lc(48000, 8)},
		{"8 kHz", "1588", lc(8000, 1)},
		{"96 kHz", "1010", lc(96000, 2)},
		{"quadro, as a list", "118004c4040021100d4c61766335392e33372e31303056e500", lc(48000, 4)},
		{"2.1, as a list", "118004c4010020000d4c61766335392e33372e31303056e500", lc(48000, 3)},

		{"5.1, as a list with everything", hex.EncodeToString(aacList),
			AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 44100, SBR: true, SampleRate: 64000, Channels: 6}},

		{"SBR in front", "2b920800", he},
		{"SBR before ER BSAC", erBSAC, AudioSpecificConfig{ObjectType: 22, CoreSampleRate: 22050, SBR: true, SampleRate: 44100, Channels: 2}},
		{"SBR in the extension", "139056e5a0", he},
		{"PS in front", "eb8a0800", heV2},
		{"PS in the extension", "138856e5a54880", heV2},
		{"rate of 24 bits", "17 80 5622 10", lc(44100, 2)}, // 00010 1111 000000001010110001000100 0010 000
		{"rate of 24 bits for SBR", "2b97 80562208 00", he},
		{"extension cut short", "121056", lc(44100, 2)},
		{"other bits after it", "1210ffffffff", lc(44100, 2)},
		{"Main", "0a10", AudioSpecificConfig{ObjectType: 1, CoreSampleRate: 44100, SampleRate: 44100, Channels: 2}},
		{"escaped object type", "f90840", AudioSpecificConfig{ObjectType: 40, CoreSampleRate: 44100, SampleRate: 44100, Channels: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseAudioSpecificConfig(unhex(c.config))
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestParseAudioSpecificConfigMalformed(t *testing.T) {
	for _, c := range []struct{ name, config, want string }{
		{"empty", "", "flv: offset 0: ends inside AudioSpecificConfig, bytes missing: 1: unexpected EOF"},
		{"one byte", "12", "flv: offset 0: ends inside AudioSpecificConfig, bytes missing: 1: unexpected EOF"},
		{"rate cut", "1780", "flv: offset 0: ends inside AudioSpecificConfig, bytes missing: 1: unexpected EOF"},
		{"list cut", "118004c4", "flv: offset 0: ends inside GASpecificConfig, bytes missing: 1: unexpected EOF"},
		{"ER BSAC cut", "2b92590802", "flv: offset 0: ends inside GASpecificConfig, bytes missing: 1: unexpected EOF"},
		{"reserved rate", "1690", "flv: offset 0: sample rate of AudioSpecificConfig is reserved"},
		{"rate 0", "17 80 0000 10", "flv: offset 0: sample rate of AudioSpecificConfig is reserved"},
		{"reserved rate of SBR", "2b968800", "flv: offset 0: sample rate of AudioSpecificConfig is reserved"},
		{"reserved channels", "1248", "flv: offset 0: channel configuration of AudioSpecificConfig is reserved: 0x9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseAudioSpecificConfig(unhex(c.config))
			requireError(t, err, c.want)
		})
	}
}

// FuzzAudioSpecificConfig checks that accepted configurations are plausible.
func FuzzAudioSpecificConfig(f *testing.F) {
	for _, s := range []string{"1210", "2b920800", "eb8a0800", "138856e5a54880", "118004c4040021100d4c61766335392e33372e31303056e500"} {
		f.Add(unhex(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseAudioSpecificConfig(b)
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			return
		}
		require.Positive(t, c.CoreSampleRate)
		require.Positive(t, c.SampleRate)
		require.GreaterOrEqual(t, c.Channels, 0)
		require.False(t, c.PS && !c.SBR, "parametric stereo requires SBR")
	})
}
