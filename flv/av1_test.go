package flv

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/internal/obu"
)

func TestParseAV1Config(t *testing.T) {
	c, err := ParseAV1Config(unhex(av1Record))
	require.NoError(t, err)
	assert.Equal(t, AV1Config{BitDepth: 8, OBUs: unhex(av1Record[8:]), Width: 322, Height: 182}, c)

	c, err = ParseAV1Config(unhex("81 2d f0 00"))
	require.NoError(t, err)
	assert.Equal(t, AV1Config{Profile: 1, Level: 13, HighTier: true, BitDepth: 12, Monochrome: true, OBUs: []byte{}}, c)

	c, err = ParseAV1Config(unhex("81 00 4c 00 1200 0a0b000000043d06d4daf90040"))
	require.NoError(t, err)
	assert.Equal(t, [3]int{10, 322, 182}, [3]int{c.BitDepth, c.Width, c.Height}, "with a temporal delimiter before the sequence header")

	w, h, err := av1Size(unhex("0c 00 000000043d06d4daf90040"))
	require.NoError(t, err)
	assert.Equal(t, [2]int{322, 182}, [2]int{w, h}, "for an OBU with an extension and without a size")
}

// av1Bits returns a sequence header OBU with the given bits. It has no size field, so it extends to the end of the data.
func av1Bits(fields ...string) []byte {
	return append([]byte{obu.SequenceHeader << 3}, packed(fields...)...)
}

func TestParseAV1SequenceHeader(t *testing.T) {
	const size = "0111 0110 01001111 0101101 " // 8 bits, 7 bits: 80x46
	zeros := func(n int) string { return strings.Repeat("0", n) }
	for _, c := range []struct {
		name string
		bits []string
	}{
		{"still picture", []string{"000 1 1 00000", size}},
		{"one operating point", []string{"000 0 0", "0", "0", "00000", zeros(12), "00111", size}},
		{"tier", []string{"000 0 0", "0", "0", "00000", zeros(12), "01000 1", size}},
		{"two operating points", []string{"000 0 0", "0", "0", "00001", zeros(12), "00111", zeros(12), "01001 0", size}},
		{"timing", []string{"000 0 0", "1", zeros(64), "1", "00101", "0", "0", "00000", zeros(12), "00111", size}},
		{"decoder model", []string{"000 0 0", "1", zeros(64), "0", "1", "00011", zeros(42), "0", "00000", zeros(12), "00111",
			"1", "1111 0000 1", size}},
		{"no decoder model of the operating point", []string{"000 0 0", "1", zeros(64), "0", "1", "00011", zeros(42), "0", "00000",
			zeros(12), "00111", "0", size}},
		{"display delay", []string{"000 0 0", "0", "1", "00001", zeros(12), "00111", "1 0101", zeros(12), "00111", "0", size}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, h, err := av1Size(av1Bits(c.bits...))
			require.NoError(t, err)
			assert.Equal(t, [2]int{80, 46}, [2]int{w, h})
		})
	}
}

func TestParseAV1ConfigMalformed(t *testing.T) {
	for _, c := range []struct{ name, record, want string }{
		{"empty", "", "flv: offset 0: ends inside AV1 configuration, bytes missing: 4: unexpected EOF"},
		{"version", "01 00 0c 00", "flv: offset 0: marker and version of AV1 configuration are not 0x81: 0x1"},
		{"forbidden bit", "81 00 0c 00 1200 80", "flv: offset 6: OBU: forbidden bit is set: 0x80"},
		{"OBU extension cut", "81 00 0c 00 0c", "flv: offset 4: OBU: ends inside the header, bytes missing: 1: unexpected EOF"},
		{"no OBU size", "81 00 0c 00 0a", "flv: offset 4: OBU: ends inside the size, bytes missing: 1: unexpected EOF"},
		{"OBU size cut", "81 00 0c 00 0a 80", "flv: offset 4: OBU: ends inside the size, bytes missing: 1: unexpected EOF"},
		{"OBU size endless", "81 00 0c 00 0a ffffffffffffffffff", "flv: offset 4: OBU: ends inside the size, bytes missing: 1: unexpected EOF"},
		{"OBU cut", "81 00 0c 00 0a 05 0000", "flv: offset 4: OBU: ends inside the payload, bytes missing: 3: unexpected EOF"},
		{"OBU of 2^55 bytes", "81 00 0c 00 0a ffffffffffffff7f", "flv: offset 4: OBU: ends inside the payload, bytes missing: 4294967296: unexpected EOF"},
		{"sequence header cut", "81 00 0c 00 0a 03 000000", "flv: offset 4: ends inside AV1 sequence header, bytes missing: 1: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseAV1Config(unhex(c.record))
			requireError(t, err, c.want)
		})
	}
}
