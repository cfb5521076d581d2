package flv

import (
	"bytes"
	"encoding/binary"
)

// OpusHead is Opus's identification header (RFC 7845 5.1). Opus is always decoded at 48 kHz.
type OpusHead struct {
	Channels        int    // 1 to 255
	PreSkip         uint16 // samples at 48 kHz to discard at the beginning
	InputSampleRate uint32 // Hz, before encoding; 0 if unknown
	OutputGain      int16  // in 1/256 dB
	MappingFamily   uint8  // 0: mono or stereo; 1: up to eight channels in Vorbis order; 255: channels without a defined meaning

	Mapping []byte // numbers of streams and coupled streams, and an index per channel; nil for family 0; a view
}

// OpusSampleRate is the sample rate of decoded Opus, in Hz.
const OpusSampleRate = 48000

const (
	opusMagic   = "OpusHead"
	opusVersion = 1
	opusFixed   = 19
	opusStreams = 2 // numbers of streams and of coupled streams, before the indices
)

// ParseOpusHead reads the data of a sequence header of Opus. All numbers are little-endian:
//
//	+----------+-----------+----------+----------+------+-------------+--------+---------------------------+
//	| OpusHead | version 1 | channels | pre-skip | rate | output gain | family | streams, coupled, mapping |
//	| 8        | 1         | 1        | 2        | 4    | 2           | 1      | 1, 1, channels if family  |
//	+----------+-----------+----------+----------+------+-------------+--------+---------------------------+
//
// The error is an [*Error], also for empty data, which is legal in a sequence header. Mapping is a view of b; [OpusHead.Clone] copies it.
func ParseOpusHead(b []byte) (OpusHead, error) {
	if missing := opusFixed - len(b); missing > 0 {
		return OpusHead{}, truncated("OpusHead", int64(missing))
	}
	if string(b[:len(opusMagic)]) != opusMagic {
		return OpusHead{}, &Error{Detail: "configuration of Opus does not begin with OpusHead", Value: string(b[:len(opusMagic)])}
	}
	if b[8]>>4 != 0 { // compatible changes would increase the lower half only
		return OpusHead{}, &Error{Offset: 8, Detail: "unknown version of OpusHead", Value: b[8]}
	}
	h := OpusHead{
		Channels: int(b[9]), PreSkip: binary.LittleEndian.Uint16(b[10:]), InputSampleRate: binary.LittleEndian.Uint32(b[12:]),
		OutputGain: int16(binary.LittleEndian.Uint16(b[16:])), MappingFamily: b[18],
	}
	if h.Channels == 0 {
		return h, &Error{Offset: 9, Detail: "OpusHead has no channels"}
	}
	if h.MappingFamily != 0 {
		end := opusFixed + opusStreams + h.Channels
		if missing := end - len(b); missing > 0 {
			return h, truncated("channel mapping of OpusHead", int64(missing))
		}
		h.Mapping = b[opusFixed:end:end]
	}
	return h, nil
}

// AppendOpusHead appends the data that [ParseOpusHead] reads. The error is an [*Error] if the number of channels is not from 1 to 255 or
// does not fit Mapping; dst is then returned unchanged.
func AppendOpusHead(dst []byte, h OpusHead) ([]byte, error) {
	mapping := 0
	if h.MappingFamily != 0 {
		mapping = opusStreams + h.Channels
	}
	switch {
	case h.Channels < 1 || h.Channels > 255:
		return dst, &Error{Detail: "number of channels of OpusHead is not from 1 to 255", Value: h.Channels}
	case len(h.Mapping) != mapping:
		return dst, &Error{Detail: "size of the channel mapping of OpusHead does not fit its family and channels", Value: len(h.Mapping)}
	}
	dst = append(append(dst, opusMagic...), opusVersion, byte(h.Channels))
	dst = binary.LittleEndian.AppendUint16(dst, h.PreSkip)
	dst = binary.LittleEndian.AppendUint32(dst, h.InputSampleRate)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(h.OutputGain))
	return append(append(dst, h.MappingFamily), h.Mapping...), nil
}

// opusChannels returns the number of channels of a packet, or 0 if it is empty (RFC 6716 3.1).
func opusChannels(packet []byte) int {
	if len(packet) == 0 {
		return 0
	}
	const stereo = 2 // bit number
	return 1 + int(packet[0]>>stereo&1)
}

// Clone returns a copy whose Mapping is not a view.
func (h OpusHead) Clone() OpusHead {
	h.Mapping = bytes.Clone(h.Mapping)
	return h
}
