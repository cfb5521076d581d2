package flv

import (
	"encoding/binary"
	"fmt"
)

// ChannelOrder says how a MultichannelConfig describes the channels.
type ChannelOrder uint8

// The orders of E-RTMP v2.
const (
	ChannelsUnspecified ChannelOrder = 0 // only the number of channels is known
	ChannelsNative      ChannelOrder = 1 // Mask says which speakers have channels, in the order of its bits
	ChannelsCustom      ChannelOrder = 2 // Speakers has the position of each channel
)

// Speaker is the position of a channel's loudspeaker: the number of its bit in MultichannelConfig.Mask.
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
	SpeakerUnknown Speaker = 0xff // the position is unknown
)

var speakerNames = [...]string{
	"FL", "FR", "FC", "LFE1", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC",
	"TFL", "TFC", "TFR", "TBL", "TBC", "TBR", "LFE2", "TSL", "TSR", "BFC", "BFL", "BFR",
}

// String returns the usual abbreviation, such as "FL" or "LFE1", or "unused", "unknown", or "speaker 24" for an undefined one.
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

// MultichannelConfig is the order of the channels, for codecs that do not define it themselves.
type MultichannelConfig struct {
	Order    ChannelOrder
	Channels int       // 0 to 255
	Mask     uint32    // ChannelsNative only: one bit for each Speaker that has a channel
	Speakers []Speaker // ChannelsCustom only: one for each channel
}

// ParseMultichannelConfig reads the data of an audio tag with AudioMultichannelConfig (E-RTMP v2):
//
//	+-------+-------+  +----------------------+     +---------+
//	| order | count |  | speaker per channel  | or  | mask    |   custom, native
//	| 1     | 1     |  | count                |     | 4       |
//	+-------+-------+  +----------------------+     +---------+
//
// The error is an [*Error]. After an unknown order, the bytes after the count are ignored. The result holds no views of b.
func ParseMultichannelConfig(b []byte) (MultichannelConfig, error) {
	const head, maskSize = 2, 4
	if missing := head - len(b); missing > 0 {
		return MultichannelConfig{}, truncated("MultichannelConfig", int64(missing))
	}
	c := MultichannelConfig{Order: ChannelOrder(b[0]), Channels: int(b[1])}
	rest := b[head:]
	switch c.Order {
	case ChannelsNative:
		if missing := maskSize - len(rest); missing > 0 {
			return c, addOffset(truncated("channel mask", int64(missing)), head)
		}
		c.Mask = binary.BigEndian.Uint32(rest)
	case ChannelsCustom:
		if missing := c.Channels - len(rest); missing > 0 {
			return c, addOffset(truncated("channel mapping", int64(missing)), head)
		}
		c.Speakers = make([]Speaker, c.Channels)
		for i := range c.Speakers {
			c.Speakers[i] = Speaker(rest[i])
		}
	}
	return c, nil
}

// AppendMultichannelConfig appends the data that [ParseMultichannelConfig] reads. If Channels is 0, len(c.Speakers) is used. The error is
// an [*Error] if the number of channels is invalid or differs from the number of speakers; dst is then returned unchanged.
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
		return dst, &Error{Detail: "number of channels is not from 0 to 255", Value: c.Channels}
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
