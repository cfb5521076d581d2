package media

import (
	"strconv"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// hint contains values from the metadata, which may be wrong.
type hint struct {
	video, audio   int // number of tracks
	width, height  int
	rate, channels int
}

// read parses onMetaData. It ignores invalid values.
func (h *hint) read(p *message.Packet) {
	name, values, _ := flv.ParseScript(message.WithoutSelector(p.Type, p.Body))
	if name != "onMetaData" || len(values) == 0 {
		return
	}
	m := properties(amf.Members(values[0]))
	*h = hint{
		video: m.tracks("videocodecid", "width", "videoTrackIdInfoMap"), width: m.number("width"), height: m.number("height"),
		audio: m.tracks("audiocodecid", "audiosamplerate", "audioTrackIdInfoMap"), rate: m.number("audiosamplerate"),
		channels: m.number("audiochannels"),
	}
	if stereo, _ := amf.Object(m).Get("stereo"); h.channels == 0 && stereo == true {
		h.channels = 2
	}
}

// complete sets the fields of t for which the stream contains no values.
func (h *hint) complete(t *Track) {
	switch {
	case t.ID != 0:
	case t.IsVideo():
		if t.Width == 0 {
			t.Width, t.Height = h.width, h.height
		}
	default:
		if t.SampleRate == 0 {
			t.SampleRate = h.rate
		}
		if t.Channels == 0 {
			t.Channels = h.channels
		}
	}
}

type properties amf.Object

// number returns the value of the property called name if it is a number from 0 to limit, and otherwise 0.
func (m properties) number(name string) int {
	const limit = 1 << 20
	v, _ := amf.Object(m).Get(name)
	if f, ok := v.(float64); ok && f >= 0 && f <= limit { // false for NaN
		return int(f)
	}
	return 0
}

// tracks counts the video or audio tracks. Its parameters are names of properties: others contains a map of the tracks besides the default
// track, and the default track counts if codec or rate is not 0.
func (m properties) tracks(codec, rate, others string) (n int) {
	for _, name := range [...]string{codec, rate} {
		if v, ok := amf.Object(m).Get(name); ok && v != nil && v != float64(0) {
			n = 1
		}
	}
	v, _ := amf.Object(m).Get(others)
	return n + len(amf.Members(v))
}

func appendMetadata(dst []byte, tracks []*outTrack, extra amf.Object) ([]byte, error) {
	var m, videos, audios amf.Object
	for _, t := range tracks {
		switch described := t.metadata(); {
		case t.id == 0:
			m = append(m, described...)
		case t.desc.IsVideo():
			videos = append(videos, amf.Property{Name: strconv.Itoa(int(t.id)), Value: described})
		default:
			audios = append(audios, amf.Property{Name: strconv.Itoa(int(t.id)), Value: described})
		}
	}
	if len(videos) > 0 {
		m = append(m, amf.Property{Name: "videoTrackIdInfoMap", Value: videos})
	}
	if len(audios) > 0 {
		m = append(m, amf.Property{Name: "audioTrackIdInfoMap", Value: audios})
	}
	return flv.AppendScript(dst, "onMetaData", amf.ECMAArray(append(m, extra...)))
}

func (t *outTrack) metadata() (m amf.Object) {
	add := func(name string, value int) {
		if value > 0 {
			m = append(m, amf.Property{Name: name, Value: float64(value)})
		}
	}
	d := &t.desc
	if d.IsVideo() {
		add("width", d.Width)
		add("height", d.Height)
		return append(m, amf.Property{Name: "videocodecid", Value: t.codecID()})
	}
	add("audiosamplerate", d.SampleRate)
	add("audiosamplesize", d.SampleSize)
	add("audiochannels", d.Channels)
	if d.Channels > 0 {
		m = append(m, amf.Property{Name: "stereo", Value: d.Channels == 2})
	}
	return append(m, amf.Property{Name: "audiocodecid", Value: t.codecID()})
}
