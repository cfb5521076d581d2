package flv

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Records written by x264. The sizes are ffprobe's.
var avcRecords = []struct {
	name, record   string
	profile, level uint8
	width, height  int
}{
	{"1080 lines are cropped", "0142c028ffe100196742c028da01e0089f97011000000300100000030320f1832a01000468ce0fc8", 66, 40, 1920, 1080},
	{"no cropping", "0142c00bffe100166742c00bd902c4ec0440000003004000000c83c50a9201000568cb83cb20", 66, 11, 176, 144},
	{"main", "014d400cffe10019674d400ceca0a0cfcf808800000300080000030190 78a14cb001000468ebecb2", 77, 12, 320, 180},
	{"interlaced", "0164001effe100186764001eacd940b424d8088000000300800000190f8a14cb01000668fba3cb22c0fdf8f800", 100, 30, 720, 576},
	{"interlaced and cropped", "01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000668fba3cb22c0fdf8f800", 100, 40, 1920, 1080},
	{"4:4:4", "01f4000dffe1001b67f4000d919b282a33c7c5e022000003000200000300641e28532c01000668ebe3c44844fff8f800", 244, 13, 322, 182},
	{"4:2:2 of 10 bits", "017a000dffe1001b677a000db6cd941519e222f011000003000100000300320f14299601000668ebe3cb22c0fefafa00", 122, 13, 322, 182},
	{"monochrome", "0164000dffe1001a6764000df36505867bbc05b2000003000200000300641e28532c01000668ebe3cb22c0fcf8f800", 100, 13, 350, 190},
}

func TestParseAVCConfig(t *testing.T) {
	for _, c := range avcRecords {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(c.record)
			got, err := ParseAVCConfig(b)
			require.NoError(t, err)
			assert.Equal(t, c.profile, got.Profile)
			assert.Equal(t, c.level, got.Level)
			assert.Equal(t, 4, got.NALLengthSize)
			assert.Equal(t, [2]int{c.width, c.height}, [2]int{got.Width, got.Height})
			assert.Equal(t, strings.HasPrefix(c.name, "interlaced"), got.Interlaced)
			require.Len(t, got.SPS, 1)
			require.Len(t, got.PPS, 1)
			assert.Equal(t, b[8:8+len(got.SPS[0])], got.SPS[0])
			assert.Equal(t, byte(0x68), got.PPS[0][0])
		})
	}
}

func TestParseAVCConfigParameterSets(t *testing.T) {
	sps := strings.ReplaceAll("0019 674d400ceca0a0cfcf8088000003000800000301 9078a14cb0", " ", "")
	c, err := ParseAVCConfig(unhex("01 4d400c fd e2" + sps + "0001 67" + "02 0002 6801 0000 fdf8f800"))
	require.NoError(t, err)
	assert.Equal(t, 2, c.NALLengthSize)
	assert.Len(t, c.SPS, 2)
	assert.Equal(t, [][]byte{{0x68, 1}, {}}, c.PPS)
	assert.Equal(t, 320, c.Width, "the width is that of the first SPS")

	c, err = ParseAVCConfig(unhex("01 4d400c ff e0 00"))
	require.NoError(t, err, "parameter sets may be in the stream instead")
	assert.Equal(t, AVCConfig{Profile: 77, Compatibility: 0x40, Level: 12, NALLengthSize: 4}, c)
}

func TestParseAVCConfigMalformed(t *testing.T) {
	for _, c := range []struct{ name, record, want string }{
		{"empty", "", "flv: offset 0: ends inside AVC configuration, bytes missing: 6: unexpected EOF"},
		{"three bytes", "01 4d40", "flv: offset 0: ends inside AVC configuration, bytes missing: 3: unexpected EOF"},
		{"Annex B", "00000001 6742c028", "flv: offset 0: version of AVC configuration is not 1: 0x0"},
		{"length of SPS cut", "01 4d400c ff e1 00", "flv: offset 6: ends inside length of parameter set, bytes missing: 1: unexpected EOF"},
		{"SPS cut", "01 4d400c ff e1 ffff 67", "flv: offset 8: ends inside parameter set, bytes missing: 65534: unexpected EOF"},
		{"PPS count cut", "01 4d400c ff e0",
			"flv: offset 6: ends inside AVC configuration, before its PPS count, bytes missing: 1: unexpected EOF"},
		{"more PPS promised", "01 4d400c ff e0 ff 0000", "flv: offset 9: ends inside length of parameter set, bytes missing: 2: unexpected EOF"},
		{"empty SPS", "01 4d400c ff e1 0000 00", "flv: offset 8: ends inside SPS, bytes missing: 1: unexpected EOF"},
		{"PPS as SPS", "01 4d400c ff e1 0002 6842 00", "flv: offset 8: NAL unit is not an SPS: 0x68"},
		{"SPS of four bytes", "01 4d400c ff e1 0004 674d400c 00", "flv: offset 8: ends inside SPS, bytes missing: 1: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseAVCConfig(unhex(c.record))
			requireError(t, err, c.want)
		})
	}
	for _, r := range avcRecords {
		b := unhex(r.record)
		c, err := ParseAVCConfig(b)
		require.NoError(t, err)
		end := 11 + len(c.SPS[0]) + len(c.PPS[0])
		for n := range end {
			_, err := ParseAVCConfig(b[:n])
			assert.Error(t, err, "cut at %d", n)
		}
	}
}

// spsBits builds an SPS from bit fields: strings are bits, and numbers are written in Exp-Golomb code.
func spsBits(fields ...any) []byte {
	var digits strings.Builder
	for _, f := range fields {
		switch f := f.(type) {
		case string:
			digits.WriteString(f)
		case int:
			n := strconv.FormatInt(int64(f)+1, 2)
			digits.WriteString(strings.Repeat("0", len(n)-1) + n)
		}
	}
	return append([]byte{0x67}, packed(digits.String(), "1")...)
}

const (
	bitsMain = "01001101 00000000 00011111" // profile 77, flags, level 3.1
	bitsHigh = "01100100 00000000 00011111"
	bits444  = "11110100 00000000 00011111"

	largestUE = "0000000000000000000000000000000 11111111111111111111111111111111" // 2^32-2
)

func TestParseSPS(t *testing.T) {
	flat := strings.Repeat("1", 16) // sixteen deltas of 0
	for _, c := range []struct {
		name          string
		sps           []byte
		width, height int
	}{
		{"order count type 0", spsBits(bitsMain, 0, 0, 0, 4, 1, "0", 19, 14, "1 1 0 0"), 320, 240},
		{"order count type 1", spsBits(bitsMain, 0, 0, 1, "0", 1, 2, 3, 5, 6, 7, 1, "0", 19, 14, "1 1 0 0"), 320, 240},
		{"order count type 1, the longest cycle", spsBits(bitsMain, 0, 0, 1, "0", 1, 2, 255, strings.Repeat("1", 255), 1, "0", 19, 14, "1 1 0 0"), 320, 240},
		{"order count type 2", spsBits(bitsMain, 0, 0, 2, 1, "0", 19, 14, "1 1 0 0"), 320, 240},
		{"the largest picture", spsBits(bitsMain, 0, 0, 2, 1, "0", 4095, 4095, "1 1 0 0"), 65536, 65536},
		{"fields", spsBits(bitsMain, 0, 0, 2, 1, "0", 44, 17, "0 1 1 0 0"), 720, 576},
		{"fields cropped", spsBits(bitsMain, 0, 0, 2, 1, "0", 119, 33, "0 1 1 1", 0, 0, 0, 2, "0"), 1920, 1080},
		{"cropped on all sides", spsBits(bitsMain, 0, 0, 2, 1, "0", 19, 14, "1 1 1", 1, 2, 3, 4, "0"), 314, 226},
		{"4:2:2 cropped", spsBits(bitsHigh, 0, 2, 0, 0, "0 0", 0, 2, 1, "0", 19, 14, "1 1 1", 1, 0, 1, 0, "0"), 318, 239},
		{"monochrome cropped", spsBits(bitsHigh, 0, 0, 0, 0, "0 0", 0, 2, 1, "0", 19, 14, "1 1 1", 1, 0, 1, 0, "0"), 319, 239},
		{"4:4:4 cropped", spsBits(bits444, 0, 3, "0", 0, 0, "0 0", 0, 2, 1, "0", 19, 14, "1 1 1", 1, 0, 1, 0, "0"), 319, 239},
		{"separate planes cropped", spsBits(bits444, 0, 3, "1", 0, 0, "0 0", 0, 2, 1, "0", 19, 14, "1 1 1", 1, 0, 1, 0, "0"), 319, 239},
		{"scaling lists, 8", spsBits(bitsHigh, 0, 1, 0, 0, "0 1",
			"1", flat, // all deltas of the first list
			"1", 16, // the second list ends at once: -8 makes the scale 0
			"0 0 0 0",
			"1", flat, flat, flat, flat,
			"0", 0, 2, 1, "0", 19, 14, "1 1 0 0"), 320, 240},
		{"scaling lists, 12", spsBits(bits444, 0, 3, "0", 0, 0, "0 1", strings.Repeat("0", 11), "1", 1, 16+2,
			0, 2, 1, "0", 19, 14, "1 1 0 0"), 320, 240},
	} {
		t.Run(c.name, func(t *testing.T) {
			sps, err := parseSPS(c.sps)
			require.NoError(t, err)
			assert.Equal(t, [2]int{c.width, c.height}, [2]int{sps.width, sps.height})
		})
	}
}

func TestParseSPSMalformed(t *testing.T) {
	long := strings.Repeat("0", 40)
	for _, c := range []struct {
		name string
		sps  []byte
		want string
	}{
		{"cropped away", spsBits(bitsMain, 0, 0, 2, 1, "0", 19, 14, "1 1 1", 80, 80, 0, 0, "0"),
			"flv: offset 0: width and height of SPS are impossible: [2]int64{0, 240}"},
		{"cropped away from above", spsBits(bitsMain, 0, 0, 2, 1, "0", 19, 14, "1 1 1", 0, 0, 60, 60, "0"),
			"flv: offset 0: width and height of SPS are impossible: [2]int64{320, 0}"},
		{"order count cycle too long", spsBits(bitsMain, 0, 0, 1, "0", 1, 2, 256, strings.Repeat("1", 256), 1, "0", 19, 14, "1 1 0 0"),
			"flv: offset 0: ends inside SPS, bytes missing: 1: unexpected EOF"},
		{"too wide", spsBits(bitsMain, 0, 0, 2, 1, "0", 4096, 14, "1 1 0 0"),
			"flv: offset 0: width and height of SPS are impossible: [2]int64{65552, 240}"},
		{"largest number", spsBits(bitsMain, 0, 0, 2, 1, "0", 19, largestUE, "0 1 1 0 0"),
			"flv: offset 0: width and height of SPS are impossible: [2]int64{320, 137438953440}"},
		{"chroma format", spsBits(bitsHigh, 0, 4, 0, 0, "0 0"), "flv: offset 0: chroma_format_idc of SPS is above 3: 0x4"},
		{"number without end", spsBits(bitsMain, 0, 0, 2, 1, "0", long, long, long),
			"flv: offset 0: ends inside SPS, bytes missing: 1: unexpected EOF"},
		{"order count cycle", spsBits(bitsMain, 0, 0, 1, "0", 1, 2, largestUE),
			"flv: offset 0: ends inside SPS, bytes missing: 1: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseSPS(c.sps)
			requireError(t, err, c.want)
		})
	}
}

func TestUnescape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"000001", "000001"},
		{"00000301", "000001"},
		{"000003", "0000"},
		{"00000300000301", "0000000001"},
		{"00000003 00", "00000000"},
		{"0003 0003", "00030003"},
		{"0000030303", "00000303"},
	} {
		assert.Equal(t, unhex(c.want), unescape(unhex(c.in)), c.in)
	}
}

// FuzzAVCConfig checks that views stay within the record, and that width and height are both known or both 0.
func FuzzAVCConfig(f *testing.F) {
	for _, r := range avcRecords {
		f.Add(unhex(r.record))
	}
	f.Add(unhex("01 4d400c ff e1 ffff 67"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseAVCConfig(b)
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			require.LessOrEqual(t, e.Offset, int64(len(b)))
			require.Zero(t, c.Width)
			require.Zero(t, c.Height)
			return
		}
		size := 7
		for _, set := range append(c.SPS, c.PPS...) {
			size += 2 + len(set)
		}
		require.LessOrEqual(t, size, len(b))
		require.Equal(t, len(c.SPS) > 0, c.Width > 0)
		require.Equal(t, len(c.SPS) > 0, c.Height > 0)
		require.LessOrEqual(t, c.Width, maxPictureSize)
		require.LessOrEqual(t, c.Height, maxPictureSize)
	})
}
