package flv

import "slices"

// AppendAudioHeader appends the part of an audio tag's body before the data; the caller appends h.Data itself. A parsed header is written
// unchanged, except for the rate bits of formats that have only one rate.
//
// The header has Enhanced RTMP's form if h.Enhanced is set, and FLV's otherwise. FLV's form uses h.Format, SampleRate, SampleSize and
// Channels; the last three may be 0 for AAC. More players understand FLV's form, so prefer it for the default track if it has the codec.
//
// The error is an [*Error] that names what the form can't express; dst is then returned unchanged.
func AppendAudioHeader(dst []byte, h AudioHeader) ([]byte, error) {
	if h.Empty {
		return dst, nil
	}
	if !h.Enhanced {
		return h.appendLegacy(dst)
	}
	x := exHeader{
		modEx: h.ModEx, packetType: byte(h.PacketType), fourCC: h.FourCC,
		multitrack: h.Multitrack, layout: h.MultitrackType, trackID: h.TrackID,
	}
	b, err := x.append(dst, byte(AudioExHeader)<<4, byte(audioMultitrack))
	if err != nil {
		return dst, err
	}
	return b, nil
}

func (h *AudioHeader) appendLegacy(dst []byte) ([]byte, error) {
	switch {
	case h.Format > maxNibble || h.Format == AudioExHeader:
		return dst, &Error{Detail: "sound format cannot be written", Value: uint8(h.Format)}
	case len(h.ModEx) > 0 || h.Multitrack:
		return dst, notEnhanced()
	}
	bits, err := h.soundBits()
	if err != nil {
		return dst, err
	}
	dst = append(dst, byte(h.Format)<<4|bits)
	if h.Format == AudioAAC {
		dst = append(dst, byte(h.PacketType))
	}
	return dst, nil
}

// soundBits returns the lower half of the first byte: two bits of rate, one of size, one of stereo.
func (h *AudioHeader) soundBits() (bits byte, err error) {
	rate := slices.Index(soundRates[:], h.SampleRate)
	if only := h.Format.sampleRate(0); only == h.Format.sampleRate(3) {
		rate = slices.Index([]int{only}, h.SampleRate) // the format's only rate is written as 0
	}
	if h.Format == AudioAAC && h.SampleRate == 0 && h.SampleSize == 0 && h.Channels == 0 {
		return 0xf, nil // FLV E.4.2.1 demands 44.1 kHz, 16 bits, stereo
	}
	switch {
	case rate < 0:
		return 0, &Error{Detail: "sample rate is not one of FLV's", Value: h.SampleRate}
	case h.SampleSize != 8 && h.SampleSize != 16:
		return 0, &Error{Detail: "sample size is neither 8 nor 16 bits", Value: h.SampleSize}
	case h.Channels != 1 && h.Channels != 2:
		return 0, &Error{Detail: "number of channels is neither 1 nor 2", Value: h.Channels}
	}
	return byte(rate<<2 | (h.SampleSize/8-1)<<1 | (h.Channels - 1)), nil
}
