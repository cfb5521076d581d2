package flv

// AudioSpecificConfig is the configuration that an AAC decoder needs before the first frame (ISO/IEC 14496-3 1.6.2.1).
type AudioSpecificConfig struct {
	ObjectType     uint8 // object type of the core codec: 1 Main, 2 LC, 3 SSR, 4 LTP
	CoreSampleRate int   // sample rate of the core codec in Hz
	SBR, PS        bool  // spectral band replication (HE-AAC) and parametric stereo (HE-AAC v2), as signalled in the configuration

	// SampleRate (Hz) and Channels describe the decoder's output: the rate with SBR, and two channels with PS. If the frames use SBR and
	// the configuration does not say so, the output has twice this rate.
	SampleRate, Channels int
}

// Audio object types of ISO/IEC 14496-3 table 1.17.
const (
	aotSBR    = 5
	aotERBSAC = 22
	aotPS     = 29
	aotEscape = 31
)

// Sync words of the extension that may follow the configuration.
const (
	syncSBR = 0x2b7
	syncPS  = 0x548
)

var aacSampleRates = [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// aacChannels is indexed by channel configuration. For 0 the channels are defined elsewhere in the stream.
var aacChannels = [16]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 13: 24, 14: 8}

// ParseAudioSpecificConfig reads the data of an audio tag with AudioSequenceStart. All sizes are in bits:
//
//	+---------------+--------------+------------------+----------+-----------------------------------------+
//	| object type 5 | rate index 4 | channel config 4 | GA       | 2B7 11, object type 5, SBR 1, rate 4 .. |
//	| 31: 6 more    | 15: 24 more  |                  | specific | may be missing                          |
//	+---------------+--------------+------------------+----------+-----------------------------------------+
//
// SBR is signalled by an object type of 5 or 29 before the real one, or by the extension at the end, which old decoders ignore. The error
// is an [*Error]. The result holds no views of b.
func ParseAudioSpecificConfig(b []byte) (AudioSpecificConfig, error) {
	var c AudioSpecificConfig
	r := &bitReader{b: b}
	c.ObjectType = objectType(r)
	c.CoreSampleRate = sampleRate(r)
	channels := r.bits(4)
	c.SampleRate = c.CoreSampleRate
	hierarchical := c.ObjectType == aotSBR || c.ObjectType == aotPS
	if hierarchical {
		c.SBR, c.PS = true, c.ObjectType == aotPS
		c.SampleRate = sampleRate(r)
		if c.ObjectType = objectType(r); c.ObjectType == aotERBSAC {
			r.bits(4) // extensionChannelConfiguration
		}
	}
	if r.short {
		return c, truncated("AudioSpecificConfig", 1)
	}
	if c.CoreSampleRate == 0 || c.SampleRate == 0 {
		return c, &Error{Detail: "sample rate of AudioSpecificConfig is reserved"}
	}
	if c.Channels = aacChannels[channels]; c.Channels == 0 && channels != 0 {
		return c, &Error{Detail: "channel configuration of AudioSpecificConfig is reserved", Value: channels}
	}
	if isGeneralAudio(c.ObjectType) {
		n := skipGASpecific(r, c.ObjectType, channels)
		if channels == 0 {
			c.Channels = n
		}
		if r.short {
			return c, truncated("GASpecificConfig", 1)
		}
		if !hierarchical {
			c.parseExtension(r)
		}
	}
	if c.PS && c.Channels == 1 {
		c.Channels = 2
	}
	return c, nil
}

// parseExtension treats an incomplete extension as missing.
func (c *AudioSpecificConfig) parseExtension(r *bitReader) {
	if r.bits(11) != syncSBR || objectType(r) != aotSBR || !r.flag() {
		return
	}
	rate := sampleRate(r)
	if r.short || rate == 0 {
		return
	}
	c.SBR, c.SampleRate = true, rate
	c.PS = r.bits(11) == syncPS && r.flag()
}

func objectType(r *bitReader) uint8 {
	t := r.bits(5)
	if t == aotEscape {
		t = 32 + r.bits(6)
	}
	return uint8(t)
}

// sampleRate returns 0 for a reserved index.
func sampleRate(r *bitReader) int {
	i := r.bits(4)
	switch {
	case i == 15:
		return int(r.bits(24))
	case int(i) < len(aacSampleRates):
		return aacSampleRates[i]
	}
	return 0
}

func isGeneralAudio(objectType uint8) bool {
	switch objectType {
	case 1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23:
		return true
	}
	return false
}

// skipGASpecific reads a GASpecificConfig (ISO/IEC 14496-3 4.4.1). If channelConfig is 0, it returns the number of channels listed there.
func skipGASpecific(r *bitReader, objectType uint8, channelConfig uint32) (channels int) {
	r.bit()       // frameLengthFlag
	if r.flag() { // dependsOnCoreCoder
		r.bits(14) // coreCoderDelay
	}
	extended := r.flag()
	if channelConfig == 0 {
		channels = programConfig(r)
	}
	if objectType == 6 || objectType == 20 {
		r.bits(3) // layerNr
	}
	if extended {
		switch objectType {
		case 22:
			r.bits(5 + 11) // numOfSubFrame, layer_length
		case 17, 19, 20, 23:
			r.bits(3) // resilience flags
		}
		r.bit() // extensionFlag3
	}
	return channels
}

// programConfig reads a program_config_element (ISO/IEC 14496-3 4.4.1.1) and returns its number of channels.
func programConfig(r *bitReader) (channels int) {
	r.bits(4 + 2 + 4) // tag, object type, rate index
	pairs := r.bits(4) + r.bits(4) + r.bits(4)
	lfe, data, coupling := r.bits(2), r.bits(3), r.bits(4)
	for _, size := range [3]int{4, 4, 3} { // mono, stereo and matrix mixdown
		if r.flag() {
			r.bits(size)
		}
	}
	for range pairs { // front, side and back elements, of one channel or two
		channels += 1 + int(r.bit())
		r.bits(4)
	}
	for range lfe {
		channels++
		r.bits(4)
	}
	for range data {
		r.bits(4)
	}
	for range coupling {
		r.bits(1 + 4)
	}
	r.bits(int(-r.pos & 7)) // byte alignment
	for range r.bits(8) {   // comment
		r.bits(8)
	}
	return channels
}
