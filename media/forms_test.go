package media

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/internal/conntest"
)

var unhex = conntest.Hex

func parts(s ...string) [][]byte {
	var out [][]byte
	for _, p := range s {
		out = append(out, unhex(p))
	}
	return out
}

func requireError(t *testing.T, want string, err error) {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.EqualError(t, err, "media: "+want)
}

func TestAnnexB(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		want         [][]byte
	}{
		{"nothing", "", nil},
		{"four bytes", "00000001 6742 00000001 68", parts("6742", "68")},
		{"three bytes", "000001 6742 000001 68", parts("6742", "68")},
		{"zeros before the start code", "0000000000 000001 6742", parts("6742")},
		{"zeros after the NAL unit", "000001 6742 000000 000001 68 0000", parts("6742", "68")},
		{"zeros inside", "000001 67000042 000001 68", parts("67000042", "68")},
		{"emulation prevention", "000001 67000003 01 000001 68", parts("6700000301", "68")},
		{"empty units", "000001 000001 6742 000001", parts("6742")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := SplitAnnexB(parts("aa"), unhex(c.stream))
			require.NoError(t, err)
			assert.Equal(t, append(parts("aa"), c.want...), got)
			again, err := SplitAnnexB(nil, AppendAnnexB(nil, c.want))
			require.NoError(t, err)
			assert.Equal(t, c.want, again)
		})
	}
	assert.Equal(t, unhex("aa 00000001 6742 00000001 68"), AppendAnnexB([]byte{0xaa}, parts("6742", "", "68")))
	for _, stream := range []string{"01", "0001", "0001 67", "67", "00 67", "000002", "0000"} {
		got, err := SplitAnnexB(parts("aa"), unhex(stream))
		requireError(t, "Annex B: no start code at the beginning", err)
		assert.Equal(t, parts("aa"), got)
	}
	_, err := SplitAnnexB(nil, bytes.Repeat([]byte{0, 0, 1, 0x67}, maxUnits+1))
	requireError(t, "Annex B: too many units, limit: 8192", err)
}

func TestAVCC(t *testing.T) {
	for _, c := range []struct {
		name   string
		size   int
		stream string
		want   [][]byte
	}{
		{"nothing", 4, "", nil},
		{"four bytes", 4, "00000002 6742 00000001 68", parts("6742", "68")},
		{"three bytes", 3, "000002 6742 000001 68", parts("6742", "68")},
		{"two bytes", 2, "0002 6742 0001 68", parts("6742", "68")},
		{"one byte", 1, "02 6742 01 68", parts("6742", "68")},
		{"empty units", 2, "0000 0001 68 0000", parts("68")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := SplitAVCC(parts("aa"), unhex(c.stream), c.size)
			require.NoError(t, err)
			assert.Equal(t, append(parts("aa"), c.want...), got)
			again, err := SplitAVCC(nil, AppendAVCC(nil, c.want), 4)
			require.NoError(t, err)
			assert.Equal(t, c.want, again)
		})
	}
	assert.Equal(t, unhex("aa 00000002 6742 00000001 68"), AppendAVCC([]byte{0xaa}, parts("6742", "", "68")))
	const where = "length-prefixed NAL units: "
	for _, c := range []struct {
		size         int
		stream, want string
	}{
		{4, "000000", where + "ends inside a length: unexpected EOF"},
		{4, "00000002 67", where + "ends inside a NAL unit of length: 2: unexpected EOF"},
		{4, "ffffffff 67", where + "ends inside a NAL unit of length: 4294967295: unexpected EOF"},
		{0, "00", where + "size of lengths is not from 1 to 4: 0"},
		{5, "00", where + "size of lengths is not from 1 to 4: 5"},
		{1, strings.Repeat("0167", maxUnits+1), where + "too many units, limit: 8192"},
	} {
		got, err := SplitAVCC(parts("aa"), unhex(c.stream), c.size)
		requireError(t, c.want, err)
		assert.Equal(t, parts("aa"), got)
	}
}

const sequenceHeader = "0a0b 000000043d06d4daf90040"

func TestOBUs(t *testing.T) {
	unit := "1200" + sequenceHeader + "3208 1400a0b010b40102"
	obus, err := SplitOBUs(parts("ff"), unhex(unit))
	require.NoError(t, err)
	assert.Equal(t, parts("ff", "1200", sequenceHeader, "3208 1400a0b010b40102"), obus)

	b, err := AppendTemporalUnit([]byte("x"), obus[1:])
	require.NoError(t, err)
	assert.Equal(t, append([]byte("x"), unhex(unit)...), b)

	bare := make([][]byte, 2)
	for i, obu := range obus[2:] {
		bare[i], err = AppendOBU(nil, obu)
		require.NoError(t, err)
	}
	assert.Equal(t, parts("08 000000043d06d4daf90040", "30 1400a0b010b40102"), bare)
	b, err = AppendTemporalUnit(nil, bare)
	require.NoError(t, err)
	assert.Equal(t, unhex(unit), b, "from OBUs without sizes, and without a temporal delimiter")

	b, err = AppendTemporalUnit(nil, parts("34 48 aabb", "36 48 02 aabb"))
	require.NoError(t, err)
	assert.Equal(t, unhex("1200 36 48 02 aabb 36 48 02 aabb"), b, "with extensions")

	obus, err = SplitOBUs(nil, unhex("1200 30 aabb"))
	require.NoError(t, err)
	assert.Equal(t, parts("1200", "30aabb"), obus, "last OBU without a size")
}

func TestOBUsMalformed(t *testing.T) {
	for _, c := range []struct{ stream, want string }{
		{"80", "OBU: forbidden bit is set: 128"},
		{"1200 34", "OBU: ends inside the header, bytes missing: 1: unexpected EOF"},
		{"32", "OBU: ends inside the size, bytes missing: 1: unexpected EOF"},
		{"32 ffffffffffffffffff01", "OBU: ends inside the size, bytes missing: 1: unexpected EOF"},
		{"32 02 aa", "OBU: ends inside the payload, bytes missing: 1: unexpected EOF"},
		{"32 ffffffffffffff7f aa", "OBU: ends inside the payload, bytes missing: 4294967296: unexpected EOF"},
		{strings.Repeat("1200", maxUnits+1), "OBUs: too many units, limit: 8192"},
	} {
		got, err := SplitOBUs(parts("aa"), unhex(c.stream))
		requireError(t, c.want, err)
		assert.Equal(t, parts("aa"), got)
	}
	for _, c := range []struct {
		obus [][]byte
		want string
	}{
		{parts(sequenceHeader, ""), "OBU: ends inside the header, bytes missing: 1: unexpected EOF"},
		{parts("3201 aa bb"), "OBU: bytes after the payload: 1"},
		{parts("80"), "OBU: forbidden bit is set: 128"},
	} {
		b, err := AppendTemporalUnit([]byte("x"), c.obus)
		requireError(t, c.want, err)
		assert.Equal(t, []byte("x"), b)
	}
	b, err := AppendOBU([]byte("x"), nil)
	requireError(t, "OBU: ends inside the header, bytes missing: 1: unexpected EOF", err)
	assert.Equal(t, []byte("x"), b)
	_, err = AppendOBU(nil, unhex("3201 aa bb"))
	requireError(t, "OBU: bytes after the payload: 1", err)
}

func TestSplitTemporalUnits(t *testing.T) {
	first, second := "1200"+sequenceHeader+"3201aa", "1200 3201bb 3201cc"
	units, err := SplitTemporalUnits(parts("ff"), unhex(first+second+"1200"))
	require.NoError(t, err)
	assert.Equal(t, parts("ff", first, second, "1200"), units)
	units, err = SplitTemporalUnits(nil, nil)
	require.NoError(t, err)
	assert.Empty(t, units)
	units, err = SplitTemporalUnits(parts("ff"), unhex("3201aa"))
	requireError(t, "temporal units: no temporal delimiter at the beginning", err)
	assert.Equal(t, parts("ff"), units)
	_, err = SplitTemporalUnits(nil, unhex("1200 3205 aa"))
	requireError(t, "OBU: ends inside the payload, bytes missing: 4: unexpected EOF", err)
}

func TestADTS(t *testing.T) {
	stereo := flv.AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 44100, SampleRate: 44100, Channels: 2}
	stream := unhex("fff1 5080 017ffc deadbeef")
	c, frame, rest, err := ParseADTS(append(stream, "rest"...))
	require.NoError(t, err)
	assert.Equal(t, stereo, c)
	assert.Equal(t, unhex("deadbeef"), frame)
	assert.Equal(t, []byte("rest"), rest)
	b, err := AppendADTS([]byte("x"), c, frame)
	require.NoError(t, err)
	assert.Equal(t, append([]byte("x"), stream...), b)
	asc, err := flv.AppendAudioSpecificConfig(nil, c)
	require.NoError(t, err)
	assert.Equal(t, unhex("1210"), asc, "the output of FFmpeg's aac_adtstoasc")

	for n := range stream {
		_, _, rest, err := ParseADTS(stream[:n])
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "cut at %d", n)
		require.Len(t, rest, n)
	}
	withCRC := bytes.Clone(stream)
	withCRC[1] = 0xf0
	_, frame, _, err = ParseADTS(withCRC)
	require.NoError(t, err)
	assert.Equal(t, unhex("beef"), frame, "after the checksum")
	for channels := range 9 { // with 0, the frames contain the number of channels
		c := stereo
		c.Channels = channels
		b, err := AppendADTS(nil, c, []byte{1})
		if channels == 7 {
			requireError(t, "ADTS: number of channels can't be expressed: 7", err)
			continue
		}
		require.NoError(t, err)
		again, _, _, err := ParseADTS(b)
		require.NoError(t, err)
		assert.Equal(t, c, again)
	}
	for objectType := range uint8(4) {
		c := stereo
		c.ObjectType = 1 + objectType
		b, err := AppendADTS(nil, c, nil)
		require.NoError(t, err)
		again, _, _, err := ParseADTS(b)
		require.NoError(t, err)
		assert.Equal(t, c, again)
	}

	// The header has the rate and channels of the core, which SBR and PS double.
	b, err = AppendADTS(nil, flv.AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 22050, SampleRate: 44100, SBR: true, PS: true, Channels: 2}, nil)
	require.NoError(t, err)
	c, _, _, err = ParseADTS(b)
	require.NoError(t, err)
	assert.Equal(t, flv.AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 22050, SampleRate: 22050, Channels: 1}, c)

	b, err = AppendADTS(nil, flv.AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 96000, Channels: 1}, make([]byte, 8184))
	require.NoError(t, err, "the first rate, and the longest frame")
	_, frame, _, err = ParseADTS(b)
	require.NoError(t, err)
	assert.Len(t, frame, 8184)
}

func TestADTSMalformed(t *testing.T) {
	for _, c := range []struct{ stream, want string }{
		{"49443303 000000", "ADTS: no sync word: 18756"},
		{"fff9 5080 017ffc", ""},
		{"fff3 5080 017ffc", "ADTS: no sync word: 65523"}, // MP3
		{"fff1 7480 017ffc", "ADTS: sample rate is reserved: 13"},
		{"fff1 5080 00df fc", "ADTS: frame is shorter than its header: 6"},
		{"fff1 5080 00fffd", "ADTS: several raw data blocks in a frame: 2"},
	} {
		_, _, _, err := ParseADTS(unhex(c.stream))
		if c.want == "" { // The result must be the same for this frame with the ID bit of MPEG-2.
			require.True(t, errors.Is(err, io.ErrUnexpectedEOF), err)
			continue
		}
		requireError(t, c.want, err)
		require.NotErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	good := flv.AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 44100, Channels: 2}
	for _, c := range []struct {
		change func(c *flv.AudioSpecificConfig)
		size   int
		want   string
	}{
		{func(c *flv.AudioSpecificConfig) { c.ObjectType = 0 }, 1, "object type is not from 1 to 4: 0"},
		{func(c *flv.AudioSpecificConfig) { c.ObjectType = 5 }, 1, "object type is not from 1 to 4: 5"},
		{func(c *flv.AudioSpecificConfig) { c.ObjectType = 39 }, 1, "object type is not from 1 to 4: 39"},
		{func(c *flv.AudioSpecificConfig) { c.CoreSampleRate = 44101 }, 1, "sample rate can't be expressed: 44101"},
		{func(c *flv.AudioSpecificConfig) { c.Channels = 24 }, 1, "number of channels can't be expressed: 24"},
		{func(*flv.AudioSpecificConfig) {}, 8185, "frame is too long: 8185"},
	} {
		config := good
		c.change(&config)
		b, err := AppendADTS([]byte("x"), config, make([]byte, c.size))
		requireError(t, "ADTS: "+c.want, err)
		assert.Equal(t, []byte("x"), b)
	}
}

func TestFormsDoNotAllocate(t *testing.T) {
	nalus, obus := parts("6742", "68", "6588"), parts("1200", sequenceHeader, "3201aa")
	config := flv.AudioSpecificConfig{ObjectType: 2, CoreSampleRate: 44100, Channels: 2}
	buf, split := make([]byte, 0, 1024), make([][]byte, 0, 8)
	allocs := testing.AllocsPerRun(100, func() {
		var err error
		split, err = SplitAnnexB(split[:0], AppendAnnexB(buf, nalus))
		require.NoError(t, err)
		split, err = SplitAVCC(split[:0], AppendAVCC(buf, split), 4)
		require.NoError(t, err)
		unit, err := AppendTemporalUnit(buf, obus)
		require.NoError(t, err)
		split, err = SplitOBUs(split[:0], unit)
		require.NoError(t, err)
		adts, err := AppendADTS(buf, config, obus[1])
		require.NoError(t, err)
		_, _, _, err = ParseADTS(adts)
		require.NoError(t, err)
	})
	assert.Zero(t, allocs)
}
