package flv

import (
	"bytes"
	"encoding/binary"
)

// FLACConfig holds the fields of FLAC's STREAMINFO block (RFC 9639 8.2).
type FLACConfig struct {
	SampleRate, SampleSize, Channels int // sample rate in Hz, sample size in bits, and 1 to 8 channels

	StreamInfo []byte // the whole block without its header, 34 bytes; a view
}

const (
	flacMagic       = "fLaC"
	flacHeaderSize  = 4
	flacInfoSize    = 34
	flacBlockHeader = uint32(flacInfoSize)            // a block of type 0
	flacLastBlock   = uint32(1<<31) | flacBlockHeader // no other blocks follow
)

// ParseFLACConfig reads the data of a sequence header of FLAC:
//
//	+------+----------+----------------+----------------------------------------------------------------------------+
//	| fLaC | last 1   | 34             | block sizes, frame sizes 80, rate 20, channels-1 3, bits-1 5, samples 36 .. |
//	| 4    | type 0 7 | 3              | 34                                                                         |
//	+------+----------+----------------+----------------------------------------------------------------------------+
//
// Publishers may leave out fLaC, or the block's header as well. The error is an [*Error]. StreamInfo is a view of b; [FLACConfig.Clone]
// copies it.
func ParseFLACConfig(b []byte) (FLACConfig, error) {
	info := b
	if len(info) >= len(flacMagic) && string(info[:len(flacMagic)]) == flacMagic {
		info = info[len(flacMagic):]
	}
	// A block can't begin with these bytes: they would be invalid block sizes.
	if len(info) >= flacHeaderSize && binary.BigEndian.Uint32(info)&^(1<<31) == flacBlockHeader {
		info = info[flacHeaderSize:]
	}
	if missing := flacInfoSize - len(info); missing > 0 {
		return FLACConfig{}, truncated("FLAC STREAMINFO", int64(missing))
	}
	v := binary.BigEndian.Uint64(info[10:])
	c := FLACConfig{
		SampleRate: int(v >> 44), Channels: 1 + int(v>>41&7), SampleSize: 1 + int(v>>36&0x1f),
		StreamInfo: info[:flacInfoSize:flacInfoSize],
	}
	if c.SampleRate == 0 {
		return FLACConfig{}, &Error{Offset: int64(len(b) - len(info) + 10), Detail: "sample rate of FLAC is 0"}
	}
	return c, nil
}

// AppendFLACConfig appends the data of a sequence header with the STREAMINFO block. The error is an [*Error] if streamInfo does not have 34
// bytes; dst is then returned unchanged.
func AppendFLACConfig(dst, streamInfo []byte) ([]byte, error) {
	if len(streamInfo) != flacInfoSize {
		return dst, &Error{Detail: "STREAMINFO does not have 34 bytes", Value: len(streamInfo)}
	}
	dst = append(dst, flacMagic...)
	dst = binary.BigEndian.AppendUint32(dst, flacLastBlock)
	return append(dst, streamInfo...), nil
}

// Clone returns a copy whose StreamInfo is not a view.
func (c FLACConfig) Clone() FLACConfig {
	c.StreamInfo = bytes.Clone(c.StreamInfo)
	return c
}
