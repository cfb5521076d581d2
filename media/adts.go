package media

import (
	"io"
	"slices"

	"github.com/go-librtmp/rtmp/flv"
)

const (
	adtsHeaderSize = 7
	adtsCRCSize    = 2
	adtsMaxFrame   = 1<<13 - 1 // including the header
)

var adtsRates = [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// ParseADTS parses the first frame of AAC in b, an ADTS stream (ISO/IEC 14496-3 1.A.2.2), as in .aac files. A frame begins with this
// header, whose sizes are in bits:
//
//	+---------+---------------------+-----------+--------+-----------+------------+------+---------+-------+------------+----------+
//	| fff  12 | .. 3, without CRC 1 | profile 2 | rate 4 | private 1 | channels 3 | .. 4 | size 13 | .. 11 | blocks-1 2 | CRC   16 |
//	+---------+---------------------+-----------+--------+-----------+------------+------+---------+-------+------------+----------+
//
// frame and rest are slices of b. [flv.AppendAudioSpecificConfig] makes the track's configuration from c, which does not say whether the
// stream uses SBR. c.Channels is 0 if only the frame itself contains the number of channels. ParseADTS does not allocate.
//
// The error is an [*Error] if b does not begin with a frame, or if the frame contains several raw data blocks. It wraps io.ErrUnexpectedEOF
// if b contains only the beginning of a frame.
func ParseADTS(b []byte) (c flv.AudioSpecificConfig, frame, rest []byte, err error) {
	if len(b) < adtsHeaderSize {
		return c, nil, b, &Error{Where: "ADTS", Detail: "ends inside the header", Err: io.ErrUnexpectedEOF}
	}
	if !beginsADTS(b) {
		return c, nil, b, &Error{Where: "ADTS", Detail: "no sync word", Value: uint16(b[0])<<8 | uint16(b[1])}
	}
	rate := int(b[2] >> 2 & 15)
	if rate >= len(adtsRates) {
		return c, nil, b, &Error{Where: "ADTS", Detail: "sample rate is reserved", Value: rate}
	}
	head := adtsHeaderSize
	if b[1]&1 == 0 {
		head += adtsCRCSize
	}
	size := adtsSize(b)
	switch {
	case size < head:
		return c, nil, b, &Error{Where: "ADTS", Detail: "frame is shorter than its header", Value: size}
	case b[6]&3 != 0:
		return c, nil, b, &Error{Where: "ADTS", Detail: "several raw data blocks in a frame", Value: 1 + int(b[6]&3)}
	case size > len(b):
		return c, nil, b, &Error{Where: "ADTS", Detail: "ends inside a frame of length", Value: size, Err: io.ErrUnexpectedEOF}
	}
	c = flv.AudioSpecificConfig{ObjectType: 1 + b[2]>>6, CoreSampleRate: adtsRates[rate], SampleRate: adtsRates[rate]}
	if c.Channels = int(b[2]&1<<2 | b[3]>>6); c.Channels == 7 { // channel configuration 7 means 8 channels
		c.Channels = 8
	}
	return c, b[head:size:size], b[size:], nil
}

func beginsADTS(b []byte) bool { return len(b) >= adtsHeaderSize && b[0] == 0xff && b[1]&0xf6 == 0xf0 }

func adtsSize(b []byte) int { return int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5]>>5) }

// AppendADTS appends a frame of AAC with an ADTS header, for decoders and players that get no other configuration. It uses the object type,
// core sample rate and channels of c.
//
// The error is an [*Error] if ADTS can't express one of these values or the size of the frame; dst is then returned unchanged.
func AppendADTS(dst []byte, c flv.AudioSpecificConfig, frame []byte) ([]byte, error) {
	rate := slices.Index(adtsRates[:], c.CoreSampleRate)
	size := adtsHeaderSize + len(frame)
	channels := c.Channels
	switch {
	case channels == 8:
		channels = 7
	case channels == 7:
		channels = -1
	case c.PS && channels == 2:
		channels = 1
	}
	switch {
	case c.ObjectType < 1 || c.ObjectType > 4:
		return dst, &Error{Where: "ADTS", Detail: "object type is not from 1 to 4", Value: c.ObjectType}
	case rate < 0:
		return dst, &Error{Where: "ADTS", Detail: "sample rate can't be expressed", Value: c.CoreSampleRate}
	case channels < 0 || channels > 7:
		return dst, &Error{Where: "ADTS", Detail: "number of channels can't be expressed", Value: c.Channels}
	case size > adtsMaxFrame:
		return dst, &Error{Where: "ADTS", Detail: "frame is too long", Value: len(frame)}
	}
	return append(append(dst, 0xff, 0xf1, (c.ObjectType-1)<<6|byte(rate)<<2|byte(channels>>2),
		byte(channels&3)<<6|byte(size>>11), byte(size>>3), byte(size&7)<<5|0x1f, 0xfc), frame...), nil
}
