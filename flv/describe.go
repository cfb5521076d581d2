package flv

import "math/bits"

// PictureSize returns the size in pixels that a sequence header or a key frame contains, or 0 if it contains none.
func (h VideoHeader) PictureSize() (width, height int) {
	switch {
	case h.IsSequenceHeader():
		return configSize(h)
	case h.IsKeyFrame():
		switch h.FourCC {
		case FourCCVP8:
			return vp8Size(h.Data)
		case FourCCVP9:
			return vp9Size(h.Data)
		case FourCCAV1: // the configuration may lack the size
			width, height, _ = av1Size(h.Data)
		}
	}
	return width, height
}

func configSize(h VideoHeader) (width, height int) {
	if h.PacketType != VideoSequenceStart { // an MPEG-2 TS descriptor does not contain the size
		return 0, 0
	}
	switch h.FourCC {
	case FourCCAVC:
		c, _ := ParseAVCConfig(h.Data)
		return c.Width, c.Height
	case FourCCHEVC:
		c, _ := ParseHEVCConfig(h.Data)
		return c.Width, c.Height
	case FourCCVVC:
		c, _ := ParseVVCConfig(h.Data)
		return c.Width, c.Height
	case FourCCAV1:
		c, _ := ParseAV1Config(h.Data)
		return c.Width, c.Height
	}
	return 0, 0
}

// Sound returns the sample rate in Hz and the number of channels that a message contains, each 0 if it is unknown. A packet of Opus states
// one or two channels even if its stream has more.
func (h AudioHeader) Sound() (rate, channels int) {
	switch {
	case h.IsSequenceHeader():
		return configSound(h)
	case h.IsFrame():
		return frameSound(h)
	case h.Enhanced && h.PacketType == AudioMultichannelConfig:
		c, _ := ParseMultichannelConfig(h.Data)
		return 0, c.Channels
	}
	return 0, 0
}

func configSound(h AudioHeader) (rate, channels int) {
	switch h.FourCC {
	case FourCCAAC:
		if c, err := ParseAudioSpecificConfig(h.Data); err == nil {
			return c.SampleRate, c.Channels
		}
	case FourCCOpus:
		c, _ := ParseOpusHead(h.Data)
		return OpusSampleRate, c.Channels
	case FourCCFLAC:
		c, _ := ParseFLACConfig(h.Data)
		return c.SampleRate, c.Channels
	}
	return 0, 0
}

// frameSound inspects the frames of codecs without a configuration. FLV's own header comes last: it has no bits for MP3 rates beyond 44.1
// kHz, and its values for AAC and Opus are constant.
func frameSound(h AudioHeader) (rate, channels int) {
	switch h.FourCC {
	case FourCCAAC:
		return 0, 0
	case FourCCOpus:
		return OpusSampleRate, opusChannels(h.Data)
	case FourCCMP3:
		if rate, channels, ok := parseMP3(h.Data); ok {
			return rate, channels
		}
	case FourCCAC3, FourCCEAC3:
		if rate, channels, ok := parseAC3(h.Data); ok {
			return rate, channels
		}
	}
	return h.SampleRate, h.Channels
}

type trackSet [4]uint64

func (s *trackSet) add(id uint8) (lowest bool) {
	s[id/64] |= 1 << (id % 64)
	for i, word := range s {
		if word != 0 {
			return int(id) == 64*i+bits.TrailingZeros64(word)
		}
	}
	return false
}

func (s *trackSet) has(id uint8) bool { return s[id/64]&(1<<(id%64)) != 0 }
func (s *trackSet) remove(id uint8)   { s[id/64] &^= 1 << (id % 64) }

func (s *trackSet) len() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}
