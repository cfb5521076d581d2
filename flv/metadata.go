package flv

import (
	"math"

	"github.com/go-librtmp/rtmp/amf"
)

// metadata is the value of onMetaData. The stream itself is more reliable.
type metadata amf.Object

func (m metadata) number(name string, limit float64) (f float64, ok bool) {
	v, _ := amf.Object(m).Get(name)
	if f, ok = v.(float64); !ok || !(f >= 0 && f <= limit) { // false for NaN
		return 0, false
	}
	return f, true
}

// size returns the size of the picture in pixels. A missing value is 0.
func (m metadata) size() (width, height int) {
	w, _ := m.number("width", maxPictureSize)
	h, _ := m.number("height", maxPictureSize)
	return int(w), int(h)
}

// sound returns the sample rate in Hz and the number of channels. A missing value is 0.
func (m metadata) sound() (rate, channels int) {
	const maxRate, maxChannels = 1 << 20, 255
	if f, ok := m.number("audiosamplerate", maxRate); ok {
		rate = int(f)
	}
	if f, ok := m.number("audiochannels", maxChannels); ok {
		channels = int(f)
	}
	if stereo, _ := amf.Object(m).Get("stereo"); channels == 0 && stereo == true {
		channels = 2
	}
	return rate, channels
}

func (m metadata) videoCodec() string {
	id, c := m.codec("videocodecid")
	if id > 0 {
		return VideoCodec(id).String()
	}
	return c
}

func (m metadata) audioCodec() string {
	id, c := m.codec("audiocodecid")
	if id >= 0 {
		return SoundFormat(id).String()
	}
	return c
}

// codec returns the codec's number in FLV. For a FourCC, which some publishers write as a string, id is -1 and enhanced is the codec's
// name.
func (m metadata) codec(name string) (id int, enhanced string) {
	v, _ := amf.Object(m).Get(name)
	if s, ok := v.(string); ok {
		if c, ok := ParseFourCC(s); ok {
			return -1, c.CodecName()
		}
		return -1, ""
	}
	f, ok := m.number(name, math.MaxUint32)
	switch {
	case !ok:
		return -1, ""
	case f <= maxNibble:
		return int(f), ""
	}
	return -1, FourCC(f).CodecName()
}
