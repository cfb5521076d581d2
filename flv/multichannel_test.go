package flv

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMultichannelConfig(t *testing.T) {
	for _, c := range []struct {
		name, data string
		want       MultichannelConfig
	}{
		{"unspecified", "00 03", MultichannelConfig{Channels: 3}},
		{"as many as there may be", "00 ff", MultichannelConfig{Channels: 255}},
		{"5.1", "01 06 0000003f", MultichannelConfig{Order: ChannelsNative, Channels: 6, Mask: 1<<SpeakerFrontLeft |
			1<<SpeakerFrontRight | 1<<SpeakerFrontCenter | 1<<SpeakerLowFrequency1 | 1<<SpeakerBackLeft | 1<<SpeakerBackRight}},
		{"highest bit", "01 01 00800000", MultichannelConfig{Order: ChannelsNative, Channels: 1, Mask: 1 << SpeakerBottomFrontRight}},
		{"custom", "02 04 01 00 fe ff", MultichannelConfig{Order: ChannelsCustom, Channels: 4,
			Speakers: []Speaker{SpeakerFrontRight, SpeakerFrontLeft, SpeakerUnused, SpeakerUnknown}}},
		{"custom, none", "02 00", MultichannelConfig{Order: ChannelsCustom, Speakers: []Speaker{}}},
		{"order not known", "07 02", MultichannelConfig{Order: 7, Channels: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseMultichannelConfig(unhex(c.data))
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
			b, err := AppendMultichannelConfig([]byte("x"), got)
			require.NoError(t, err)
			assert.Equal(t, append([]byte("x"), unhex(c.data)...), b)
		})
	}
	b, err := AppendMultichannelConfig(nil, MultichannelConfig{Order: ChannelsCustom, Speakers: []Speaker{SpeakerTopCenter}})
	require.NoError(t, err)
	assert.Equal(t, unhex("02 01 0b"), b, "Channels follows from the number of speakers")
}

func TestMultichannelConfigMalformed(t *testing.T) {
	for _, c := range []struct {
		data            string
		offset, missing int64
	}{
		{"", 0, 2}, {"00", 0, 1}, {"01 02", 2, 4}, {"01 02 000000", 2, 1}, {"02 ff 00", 2, 254},
	} {
		_, err := ParseMultichannelConfig(unhex(c.data))
		requireCut(t, err, c.offset, c.missing)
	}
	for _, c := range []struct {
		config MultichannelConfig
		want   string
	}{
		{MultichannelConfig{Channels: 256}, "number of channels is not from 0 to 255: 256"},
		{MultichannelConfig{Channels: -1}, "number of channels is not from 0 to 255: -1"},
		{MultichannelConfig{Order: ChannelsCustom, Speakers: make([]Speaker, 256)}, "number of channels is not from 0 to 255: 256"},
		{MultichannelConfig{Order: ChannelsCustom, Channels: 2}, "number of channels is not that of the speakers: 2"},
	} {
		b, err := AppendMultichannelConfig([]byte("x"), c.config)
		requireError(t, err, "flv: offset 0: "+c.want)
		assert.Equal(t, []byte("x"), b)
	}
}

func TestSpeakerNames(t *testing.T) {
	var names []string
	for s := SpeakerFrontLeft; s <= SpeakerBottomFrontRight; s++ {
		names = append(names, s.String())
	}
	assert.Equal(t, "FL FR FC LFE1 BL BR FLC FRC BC SL SR TC TFL TFC TFR TBL TBC TBR LFE2 TSL TSR BFC BFL BFR", strings.Join(names, " "))
	assert.Equal(t, "unused", SpeakerUnused.String())
	assert.Equal(t, "unknown", SpeakerUnknown.String())
	assert.Equal(t, "speaker 24", Speaker(24).String())
}
