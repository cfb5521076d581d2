package flv

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestFourCC compares with the numbers that E-RTMP v2 gives for onMetaData.
func TestFourCC(t *testing.T) {
	for _, c := range []struct {
		c          FourCC
		number     float64
		text, name string
	}{
		{FourCCAVC, 1635148593, "avc1", "H.264"},
		{FourCCHEVC, 1752589105, "hvc1", "H.265"},
		{FourCCVVC, 1987470129, "vvc1", "H.266"},
		{FourCCVP8, 1987063864, "vp08", "VP8"},
		{FourCCVP9, 1987063865, "vp09", "VP9"},
		{FourCCAV1, 1635135537, "av01", "AV1"},
		{FourCCAAC, 1836069985, "mp4a", "AAC"},
		{FourCCOpus, 1332770163, "Opus", "Opus"},
		{FourCCFLAC, 1716281667, "fLaC", "FLAC"},
		{FourCCMP3, 778924083, ".mp3", "MP3"},
		{FourCCAC3, 1633889587, "ac-3", "AC-3"},
		{FourCCEAC3, 1700998451, "ec-3", "E-AC-3"},
		{0x61626364, 1633837924, "abcd", "abcd"},
		{0x207e207e, 545136766, " ~ ~", " ~ ~"},
	} {
		assert.Equal(t, c.number, float64(c.c))
		assert.Equal(t, c.text, c.c.String())
		assert.Equal(t, c.name, c.c.CodecName())
		parsed, ok := ParseFourCC(c.text)
		assert.True(t, ok, c.text)
		assert.Equal(t, c.c, parsed)
	}
	assert.Equal(t, "0x00000000", FourCC(0).String())
	assert.Equal(t, "0x7f616161", FourCC(0x7f616161).String())
	for _, s := range []string{"", "avc", "avc11", "av\x7f1", "av\x1f1", "é12"} {
		_, ok := ParseFourCC(s)
		assert.False(t, ok, "%q", s)
	}
}

func TestFormsOfCodecs(t *testing.T) {
	for c := range VideoCodec(maxNibble + 1) {
		if f := c.FourCC(); f != 0 {
			assert.Equal(t, c, videoCodecOf(f))
			assert.Equal(t, c.String(), f.CodecName())
		}
	}
	for f := range SoundFormat(maxNibble + 1) {
		if c := f.FourCC(); c != 0 && f != AudioMP38k { // another form of MP3
			assert.Equal(t, f, soundFormatOf(c))
			assert.Equal(t, f.String(), c.CodecName())
		}
	}
	assert.Equal(t, AudioExHeader, soundFormatOf(FourCCFLAC))
	assert.Zero(t, videoCodecOf(FourCCVP9))
}
