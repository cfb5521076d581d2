package flv

import (
	"encoding/binary"
	"fmt"
)

// ChannelOrder says how a MultichannelConfig tells what the channels are.
type ChannelOrder uint8

// The orders of E-RTMP v2.
const (
	ChannelsUnspecified ChannelOrder = 0 // only how many
	ChannelsNative      ChannelOrder = 1 // by Mask, in the order of its bits
	ChannelsCustom      ChannelOrder = 2 // by Speakers
)

// Speaker is where the sound of a channel comes from: the number of its bit in MultichannelConfig.Mask.
type Speaker uint8

// The speakers of E-RTMP v2.
const (
	SpeakerFrontLeft Speaker = iota
	SpeakerFrontRight
	SpeakerFrontCenter
	SpeakerLowFrequency1
	SpeakerBackLeft
	SpeakerBackRight
	SpeakerFrontLeftCenter
	SpeakerFrontRightCenter
	SpeakerBackCenter
	SpeakerSideLeft
	SpeakerSideRight
	SpeakerTopCenter
	SpeakerTopFrontLeft
	SpeakerTopFrontCenter
	SpeakerTopFrontRight
	SpeakerTopBackLeft
	SpeakerTopBackCenter
	SpeakerTopBackRight
	SpeakerLowFrequency2
	SpeakerTopSideLeft
	SpeakerTopSideRight
	SpeakerBottomFrontCenter
	SpeakerBottomFrontLeft
	SpeakerBottomFrontRight

	SpeakerUnused  Speaker = 0xfe // the channel is empty
	SpeakerUnknown Speaker = 0xff // it is not
)

var speakerNames = [...]string{
	"FL", "FR", "FC", "LFE1", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC",
	"TFL", "TFC", "TFR", "TBL", "TBC", "TBR", "LFE2", "TSL", "TSR", "BFC", "BFL", "BFR",
}

// String returns the usual abbreviation: "FL", "LFE1"; "unused", "unknown", or "speaker 24".
func (s Speaker) String() string {
	switch {
	case int(s) < len(speakerNames):
		return speakerNames[s]
	case s == SpeakerUnused:
		return "unused"
	case s == SpeakerUnknown:
		return "unknown"
	}
	return fmt.Sprintf("speaker %d", uint8(s))
}

// MultichannelConfig is the data of an audio tag with AudioMultichannelConfig: the order of the channels in the codec, in case
// it does not say so itself.
type MultichannelConfig struct {
	Order    ChannelOrder
	Channels int       // 0 to 255
	Mask     uint32    // ChannelsNative only: bit number Speaker is set if there is that channel
	Speakers []Speaker // ChannelsCustom only: one for each channel
}

// ParseMultichannelConfig reads the data of an audio tag with AudioMultichannelConfig (E-RTMP v2):
//
//	+-------+-------+  +----------------------+     +---------+
//	| order | count |  | speaker per channel  | or  | mask    |   custom, native
//	| 1     | 1     |  | count                |     | 4       |
//	+-------+-------+  +----------------------+     +---------+
//
// The error is an [*Error]. An order that is not known is none, and what follows the count is not looked at. Nothing of what it
// returns is a view.
func ParseMultichannelConfig(b []byte) (MultichannelConfig, error) {
	const head, maskSize = 2, 4
	if missing := head - len(b); missing > 0 {
		return MultichannelConfig{}, cut("MultichannelConfig", int64(missing))
	}
	c := MultichannelConfig{Order: ChannelOrder(b[0]), Channels: int(b[1])}
	rest := b[head:]
	switch c.Order {
	case ChannelsNative:
		if missing := maskSize - len(rest); missing > 0 {
			return c, shift(cut("channel mask", int64(missing)), head)
		}
		c.Mask = binary.BigEndian.Uint32(rest)
	case ChannelsCustom:
		if missing := c.Channels - len(rest); missing > 0 {
			return c, shift(cut("channel mapping", int64(missing)), head)
		}
		c.Speakers = make([]Speaker, c.Channels)
		for i := range c.Speakers {
			c.Speakers[i] = Speaker(rest[i])
		}
	}
	return c, nil
}

// AppendMultichannelConfig appends what [ParseMultichannelConfig] reads. Channels may be 0 in favour of len(c.Speakers). On a number
// of channels that cannot be, or is not that of the speakers, the error is an [*Error], and dst comes back as it was.
func AppendMultichannelConfig(dst []byte, c MultichannelConfig) ([]byte, error) {
	if c.Order == ChannelsCustom {
		if c.Channels == 0 {
			c.Channels = len(c.Speakers)
		}
		if c.Channels != len(c.Speakers) {
			return dst, &Error{Detail: "number of channels is not that of the speakers", Value: c.Channels}
		}
	}
	if c.Channels < 0 || c.Channels > 255 {
		return dst, &Error{Detail: "number of channels is not within 0 and 255", Value: c.Channels}
	}
	dst = append(dst, byte(c.Order), byte(c.Channels))
	switch c.Order {
	case ChannelsNative:
		dst = binary.BigEndian.AppendUint32(dst, c.Mask)
	case ChannelsCustom:
		for _, s := range c.Speakers {
			dst = append(dst, byte(s))
		}
	}
	return dst, nil
}
