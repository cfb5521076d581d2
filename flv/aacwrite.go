package flv

import "slices"

type bitWriter struct {
	b    []byte
	free int // number of unused bits in the last byte
}

func (w *bitWriter) bits(v uint32, n int) {
	for n--; n >= 0; n-- {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.free--
		w.b[len(w.b)-1] |= byte(v>>n&1) << w.free
	}
}

// AppendAudioSpecificConfig appends a configuration in the format that [ParseAudioSpecificConfig] reads, for object types 1 to 4. Without
// SBR, either SampleRate or CoreSampleRate may be 0. With SBR, a CoreSampleRate of 0 means half of SampleRate. SBR and PS are signalled at
// the end.
//
// The error is an [*Error] for other object types, rates of more than 24 bits, and numbers of channels without a channel configuration; dst
// is then returned unchanged.
func AppendAudioSpecificConfig(dst []byte, c AudioSpecificConfig) ([]byte, error) {
	const maxGA, maxRate = 4, 1<<24 - 1
	core, rate := c.CoreSampleRate, c.SampleRate
	switch {
	case core == 0 && c.SBR:
		core = rate / 2
	case core == 0:
		core = rate
	case rate == 0 && !c.SBR:
		rate = core
	}
	channels := slices.Index(aacChannels[:], c.Channels)
	if c.PS { // PS makes two channels from one
		channels = 1
	}
	switch {
	case c.ObjectType < 1 || c.ObjectType > maxGA:
		return dst, &Error{Detail: "object type of AudioSpecificConfig is not from 1 to 4", Value: c.ObjectType}
	case core < 1 || core > maxRate || rate < 1 || rate > maxRate || !c.SBR && rate != core:
		return dst, &Error{Detail: "sample rates of AudioSpecificConfig are impossible", Value: [2]int{c.CoreSampleRate, c.SampleRate}}
	case channels < 1 || c.PS && (c.Channels != 2 || !c.SBR):
		return dst, &Error{Detail: "number of channels has no channel configuration", Value: c.Channels}
	}
	w := &bitWriter{b: dst}
	w.bits(uint32(c.ObjectType), 5)
	w.sampleRate(core)
	w.bits(uint32(channels), 4)
	w.bits(0, 3) // GASpecificConfig: 1024 samples, no core coder, no extension
	if c.SBR {
		w.bits(syncSBR, 11)
		w.bits(aotSBR, 5)
		w.bits(1, 1)
		w.sampleRate(rate)
	}
	if c.PS {
		w.bits(syncPS, 11)
		w.bits(1, 1)
	}
	return w.b, nil
}

func (w *bitWriter) sampleRate(rate int) {
	const explicit = 15
	if i := slices.Index(aacSampleRates[:], rate); i >= 0 {
		w.bits(uint32(i), 4)
		return
	}
	w.bits(explicit, 4)
	w.bits(uint32(rate), 24)
}
