package flv

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
)

// AVCConfig is an AVCDecoderConfigurationRecord, which a decoder of H.264 needs before the first picture.
type AVCConfig struct {
	Profile       uint8 // profile_idc: 66 baseline, 77 main, 100 high
	Compatibility uint8 // the constraint flags
	Level         uint8 // level_idc: ten times the level, 31 for 3.1
	NALLengthSize int   // size of the length before each NAL unit, in bytes: 1, 2 or 4, and 3 in broken files

	SPS, PPS [][]byte // parameter sets including the NAL unit header; views of the record

	Width, Height int // size of the picture in pixels, after cropping, from the first SPS

	Interlaced bool // the first SPS allows pictures that are one field (frame_mbs_only_flag is 0)
}

const avcConfigVersion = 1

// ParseAVCConfig reads the data of a video tag with VideoSequenceStart (ISO/IEC 14496-15 5.2.4.1):
//
//	+---+---------+---------------+-------+-----------------+-------------+-------------------+---+-------------------+
//	| 1 | profile | compatibility | level | ones 6 length 2 | ones 3 SPS 5| { size 2, bytes } | n | { size 2, bytes } |
//	| 1 | 1       | 1             | 1     | 1               | 1           | per SPS           | 1 | per PPS           |
//	+---+---------+---------------+-------+-----------------+-------------+-------------------+---+-------------------+
//
// The fields that may follow, such as the chroma format of the high profiles, repeat the SPS and are ignored. On an error, which is an
// [*Error], the fields before the faulty one are set. SPS and PPS are views of b; [AVCConfig.Clone] copies them.
func ParseAVCConfig(b []byte) (AVCConfig, error) {
	const fixed = 6
	var c AVCConfig
	if len(b) < fixed {
		return c, truncated("AVC configuration", int64(fixed-len(b)))
	}
	if b[0] != avcConfigVersion {
		return c, &Error{Detail: "version of AVC configuration is not 1", Value: b[0]}
	}
	c.Profile, c.Compatibility, c.Level = b[1], b[2], b[3]
	c.NALLengthSize = 1 + int(b[4]&3)

	var err error
	at := fixed
	firstSPS := at + 2
	if c.SPS, at, err = parameterSets(b, at, int(b[5]&0x1f)); err != nil {
		return c, err
	}
	if at == len(b) {
		return c, addOffset(truncated("AVC configuration, before its PPS count", 1), int64(at))
	}
	if c.PPS, _, err = parameterSets(b, at+1, int(b[at])); err != nil {
		return c, err
	}
	if len(c.SPS) > 0 {
		sps, err := parseSPS(c.SPS[0])
		if err != nil {
			return c, addOffset(err, int64(firstSPS))
		}
		c.Width, c.Height, c.Interlaced = sps.width, sps.height, sps.interlaced
	}
	return c, nil
}

// parameterSets reads n NAL units, each after its length, from b[at:]. The sets are views of b.
func parameterSets(b []byte, at, n int) (sets [][]byte, end int, err error) {
	for range n {
		if len(b)-at < 2 {
			return sets, at, addOffset(truncated("length of parameter set", int64(2-(len(b)-at))), int64(at))
		}
		size := int(binary.BigEndian.Uint16(b[at:]))
		at += 2
		if missing := size - (len(b) - at); missing > 0 {
			return sets, at, addOffset(truncated("parameter set", int64(missing)), int64(at))
		}
		sets = append(sets, b[at:at+size:at+size])
		at += size
	}
	return sets, at, nil
}

// AppendAVCConfig appends a configuration in the format that [ParseAVCConfig] reads, made from c.SPS, c.PPS and c.NALLengthSize (0 means
// 4). The other fields are ignored: their values come from the first SPS.
//
// The error is an [*Error] if the parameter sets can't be written or the first SPS can't be parsed; dst is then returned unchanged.
func AppendAVCConfig(dst []byte, c AVCConfig) ([]byte, error) {
	const maxSPS, maxPPS = 31, 255 // the counts have 5 and 8 bits
	lengthSize, err := lengthSizeBits(c.NALLengthSize)
	switch {
	case err != nil:
		return dst, err
	case len(c.SPS) == 0 || len(c.SPS) > maxSPS:
		return dst, &Error{Detail: "number of SPS is not from 1 to 31", Value: len(c.SPS)}
	case len(c.PPS) == 0 || len(c.PPS) > maxPPS:
		return dst, &Error{Detail: "number of PPS is not from 1 to 255", Value: len(c.PPS)}
	}
	sps, err := parseSPS(c.SPS[0])
	if err != nil {
		return dst, err
	}
	start := len(dst)
	dst = append(dst, avcConfigVersion, sps.profile, sps.compatibility, sps.level, 0xfc|lengthSize, 0xe0|byte(len(c.SPS)))
	if dst, err = appendParameterSets(dst, c.SPS); err == nil {
		dst, err = appendParameterSets(append(dst, byte(len(c.PPS))), c.PPS)
	}
	if err != nil {
		return dst[:start], err
	}
	if hasChromaFormat(sps.profile) {
		dst = append(dst, 0xfc|byte(sps.chroma), 0xf8|byte(sps.lumaDepth8&7), 0xf8|byte(sps.chromaDepth8&7), 0) // no SPS extensions
	}
	return dst, nil
}

// Clone returns a copy whose parameter sets are not views.
func (c AVCConfig) Clone() AVCConfig {
	c.SPS, c.PPS = cloneSets(c.SPS), cloneSets(c.PPS)
	return c
}

func appendParameterSets(dst []byte, sets [][]byte) ([]byte, error) {
	for _, set := range sets {
		if len(set) == 0 || len(set) > math.MaxUint16 {
			return dst, &Error{Detail: "size of a parameter set is not from 1 to 65535", Value: len(set)}
		}
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(set))), set...)
	}
	return dst, nil
}

func lengthSizeBits(size int) (byte, error) {
	switch size {
	case 0:
		return 3, nil
	case 1, 2, 4:
		return byte(size - 1), nil
	}
	return 0, &Error{Detail: "size of the lengths of NAL units is not 1, 2 or 4", Value: size}
}

func cloneSets(sets [][]byte) [][]byte {
	sets = slices.Clone(sets)
	for i := range sets {
		sets[i] = bytes.Clone(sets[i])
	}
	return sets
}
