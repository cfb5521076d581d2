package flv

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseHEVCConfig(t *testing.T) {
	for _, c := range []struct {
		record string
		want   HEVCConfig
		sizes  [3]int // sizes of the VPS, SPS and PPS
	}{
		{hevcRecord, HEVCConfig{Profile: 1, Level: 60, BitDepth: 8, NALLengthSize: 4, Width: 322, Height: 182}, [3]int{24, 43, 7}},
		{hevcMain10, HEVCConfig{Profile: 2, Level: 60, BitDepth: 10, NALLengthSize: 4, Width: 322, Height: 182}, [3]int{24, 44, 7}},
		{hevcRecord[:44] + "01 21 0000", HEVCConfig{Profile: 1, Level: 60, BitDepth: 8, NALLengthSize: 4}, [3]int{}},
		{hevcRecord[:44] + "00", HEVCConfig{Profile: 1, Level: 60, BitDepth: 8, NALLengthSize: 4}, [3]int{}},
	} {
		h, err := ParseHEVCConfig(unhex(c.record))
		require.NoError(t, err)
		sizes := [3]int{}
		for i, sets := range [][][]byte{h.VPS, h.SPS, h.PPS} {
			for _, set := range sets {
				sizes[i] += len(set)
			}
		}
		assert.Equal(t, c.sizes, sizes)
		h.VPS, h.SPS, h.PPS = nil, nil, nil
		assert.Equal(t, c.want, h)
	}
}

func TestParseHEVCConfigMalformed(t *testing.T) {
	head := hevcRecord[:44]
	for _, c := range []struct{ name, record, want string }{
		{"empty", "", "flv: offset 0: ends inside HEVC configuration, bytes missing: 23: unexpected EOF"},
		{"three bytes", "01 0160", "flv: offset 0: ends inside HEVC configuration, bytes missing: 20: unexpected EOF"},
		{"Annex B", "00" + hevcRecord[2:], "flv: offset 0: version of HEVC configuration is not 1: 0x0"},
		{"no array", head + "01", "flv: offset 23: ends inside array of HEVC configuration, bytes missing: 3: unexpected EOF"},
		{"many NAL units", head + "01 20 0041", "flv: offset 23: too many NAL units in HEVC configuration: 65"},
		{"no NAL unit", head + "01 20 0001 00", "flv: offset 26: ends inside length of parameter set, bytes missing: 1: unexpected EOF"},
		{"NAL unit cut", head + "01 20 0001 ffff 40", "flv: offset 28: ends inside parameter set, bytes missing: 65534: unexpected EOF"},
		{"SPS of one byte", head + "01 21 0001 0001 42", "flv: offset 28: ends inside HEVC SPS, bytes missing: 1: unexpected EOF"},
		{"PPS as SPS", head + "01 21 0001 0002 4401", "flv: offset 28: NAL unit is not an HEVC SPS: 0x44"},
		{"SPS cut", head + "01 21 0001 0004 42010101", "flv: offset 28: ends inside HEVC SPS, bytes missing: 1: unexpected EOF"},
		{"eight sublayers", head + "01 21 0001 0003 42010f", "flv: offset 28: sps_max_sub_layers_minus1 of HEVC SPS is above 6: 0x7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseHEVCConfig(unhex(c.record))
			requireError(t, err, c.want)
		})
	}
	requireCutEverywhere(t, hevcRecord, func(b []byte) error { _, err := ParseHEVCConfig(b); return err })
}

// hevcSPSBits builds an SPS of H.265 like spsBits.
func hevcSPSBits(fields ...any) []byte { return append([]byte{0x42, 0x01}, spsBits(fields...)[1:]...) }

func TestParseHEVCSPS(t *testing.T) {
	ones := func(n int) string { return strings.Repeat("1", n) }
	one := "1111 000 1" + ones(88+8)                                                   // sublayers, profile, level
	two := "1111 001 1" + ones(88+8) + "10" + ones(14) + ones(88)                      // profile of the second
	three := "1111 010 1" + ones(88+8) + "0111" + ones(12) + ones(8) + ones(88+8)      // level, profile and level
	seven := "1111 110 1" + ones(88+8) + strings.Repeat("01", 6) + ones(4) + ones(6*8) // levels
	for _, c := range []struct {
		name string
		sps  []byte
		want [2]int
	}{
		{"no window", hevcSPSBits(one, 0, 1, 320, 184, "0"), [2]int{320, 184}},
		{"4:2:0", hevcSPSBits(one, 0, 1, 320, 184, "1", 1, 2, 3, 4), [2]int{314, 170}},
		{"4:2:2", hevcSPSBits(one, 0, 2, 320, 184, "1", 1, 2, 3, 4), [2]int{314, 177}},
		{"4:4:4", hevcSPSBits(one, 0, 3, "0", 320, 184, "1", 1, 2, 3, 4), [2]int{317, 177}},
		{"separate planes", hevcSPSBits(one, 0, 3, "1", 320, 184, "1", 1, 2, 3, 4), [2]int{317, 177}},
		{"monochrome", hevcSPSBits(one, 0, 0, 320, 184, "1", 1, 2, 3, 4), [2]int{317, 177}},
		{"two sublayers", hevcSPSBits(two, 0, 1, 320, 184, "0"), [2]int{320, 184}},
		{"three sublayers", hevcSPSBits(three, 0, 1, 320, 184, "0"), [2]int{320, 184}},
		{"seven sublayers", hevcSPSBits(seven, 0, 1, 320, 184, "0"), [2]int{320, 184}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sps, err := parseHEVCSPS(c.sps)
			require.NoError(t, err)
			assert.Equal(t, c.want, [2]int{sps.width, sps.height})
		})
	}
	for _, c := range []struct {
		sps  []byte
		want string
	}{
		{hevcSPSBits(one, 0, 4), "chroma_format_idc of HEVC SPS is above 3: 0x4"},
		{hevcSPSBits(one, 0, 1, 320, 184, "1", 160, 0, 0, 0), "width and height of HEVC SPS are impossible: [2]int64{0, 184}"},
		{hevcSPSBits(one, 0, 1, 65537, 184, "0"), "width and height of HEVC SPS are impossible: [2]int64{65537, 184}"},
		{hevcSPSBits(one, 0, 1, 320, 184, "1", largestUE, largestUE, 0, 0), "width and height of HEVC SPS are impossible: [2]int64{-17179868856, 184}"},
	} {
		_, err := parseHEVCSPS(c.sps)
		requireError(t, err, "flv: offset 0: "+c.want)
	}
}
