package watch

import (
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/flv"
)

// aacFrame is the number of samples in an AAC frame at the core sample rate.
const aacFrame = 1024

type audio struct {
	line     line
	header   report.Header
	profile  string
	coreRate int // sample rate of the AAC core in Hz; 0 if unknown
	frames   int
	counted  int           // frames whose samples are counted
	first    time.Duration // media time of the first counted frame
	last     time.Duration // media time of the newest counted frame
	broken   int           // number of jumps and steps back when counting began
}

func (a *audio) add(w *Watcher, at time.Duration, tag flv.Tag) {
	h, err := flv.ParseAudioHeader(tag.Body)
	if err != nil || h.Empty || h.TrackID != 0 {
		return
	}
	if h.Multitrack && h.MultitrackType != flv.OneTrack {
		for track, err := range h.Tracks() {
			if err == nil && track.TrackID == 0 {
				a.track(w, at, tag, track)
			}
		}
		return
	}
	a.track(w, at, tag, h)
}

func (a *audio) track(w *Watcher, at time.Duration, tag flv.Tag, h flv.AudioHeader) {
	switch {
	case h.IsSequenceHeader():
		a.header.Count++
		a.configure(h)
		return
	case !h.IsFrame():
		return
	}
	if h.FourCC == flv.FourCCAAC {
		a.header.Needed = true
		if a.header.Count == 0 {
			a.header.Early++
		}
	}
	a.frames++
	a.line.name = "audio"
	t := a.line.add(at, tag.Timestamp)
	w.compare(t, false)
	if broken := a.line.jumps.Count + a.line.backs.Count; a.counted == 0 || broken != a.broken { // start counting samples again here
		a.counted, a.first, a.broken = 0, t, broken
	}
	a.counted++
	a.last = t
}

func (a *audio) configure(h flv.AudioHeader) {
	if h.FourCC != flv.FourCCAAC {
		return
	}
	c, err := flv.ParseAudioSpecificConfig(h.Data)
	if err != nil {
		return
	}
	a.coreRate = c.CoreSampleRate
	if a.coreRate == 0 {
		a.coreRate = c.SampleRate
	}
	a.profile = map[uint8]string{1: "Main", 2: "LC", 3: "SSR", 4: "LTP"}[c.ObjectType]
	switch {
	case c.PS:
		a.profile = "HE v2"
	case c.SBR:
		a.profile = "HE"
	}
}

func (a *audio) report(w *Watcher) *report.Audio {
	i := &w.info
	r := &report.Audio{Codec: i.AudioCodec, Profile: a.profile, SampleRate: i.SampleRate, Channels: i.Channels, Bits: bits(i.Audio),
		Tracks: i.Audio.Tracks, Frames: a.frames, Header: a.header}
	if a.coreRate > 0 && a.counted > 1 {
		samples := time.Duration(a.counted-1) * aacFrame * time.Second / time.Duration(a.coreRate)
		r.Clock = report.Duration(a.last - a.first - samples)
	}
	return r
}
