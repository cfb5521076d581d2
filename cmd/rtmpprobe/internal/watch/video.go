package watch

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
	"github.com/go-librtmp/rtmp/flv"
)

type video struct {
	line        line
	header      report.Header
	profile     string
	level       string
	frames      int
	largest     int
	composition int32         // composition time of the first frame, in ms
	bFrames     bool          // frames are not sent in the order of their display
	delay       time.Duration // the longest composition time
	keys        int
	keyBytes    int
	keyAt       time.Duration // media time of the newest key frame
	keyCame     time.Duration // its arrival
	keySpan     time.Duration // media time between the first and the newest key frame, without jumps
	longest     time.Duration // longest distance between two key frames
	began       time.Duration // arrival of the first frame
}

func (v *video) add(w *Watcher, at time.Duration, tag flv.Tag) {
	h, err := flv.ParseVideoHeader(tag.Body)
	if err != nil || h.Empty || h.TrackID != 0 && h.MultitrackType == flv.OneTrack {
		return
	}
	if h.Multitrack && h.MultitrackType != flv.OneTrack {
		for track, err := range h.Tracks() {
			if err == nil && track.TrackID == 0 {
				v.track(w, at, tag, track)
			}
		}
		return
	}
	v.track(w, at, tag, h)
}

func (v *video) track(w *Watcher, at time.Duration, tag flv.Tag, h flv.VideoHeader) {
	switch {
	case h.IsSequenceHeader():
		v.header.Count++
		v.profile, v.level = videoProfile(h)
		return
	case !h.IsFrame():
		return
	}
	if needsVideoHeader(h.FourCC) {
		v.header.Needed = true
		if v.header.Count == 0 {
			v.header.Early++
		}
	}
	v.line.name = "video"
	t := v.line.add(at, tag.Timestamp)
	if v.frames == 0 {
		v.began = at
	}
	v.frames++
	v.largest = max(v.largest, len(tag.Body))
	v.delay = max(v.delay, time.Duration(h.CompositionTime)*time.Millisecond)
	if v.frames == 1 {
		v.composition = h.CompositionTime
	}
	v.bFrames = v.bFrames || h.CompositionTime != v.composition
	w.compare(t, true)
	if h.IsKeyFrame() {
		v.key(at, t, len(tag.Body))
	}
}

func (v *video) key(at, t time.Duration, size int) {
	if distance := t - v.keyAt; v.keys > 0 && distance > 0 && distance < time.Hour {
		v.keySpan += distance
		v.longest = max(v.longest, distance)
	}
	v.keys++
	v.keyBytes += size
	v.keyAt, v.keyCame = t, at
}

func (v *video) report(w *Watcher, now time.Duration) *report.Video {
	i := &w.info
	r := &report.Video{Codec: i.VideoCodec, Profile: v.profile, Level: v.level, Width: i.Width, Height: i.Height, Rate: v.line.rate(),
		Bits: bits(i.Video), Tracks: i.Video.Tracks, Frames: v.frames, Largest: v.largest, BFrames: v.bFrames,
		Delay: report.Duration(v.delay), Header: v.header}
	r.Keys = report.Keys{Count: v.keys, Longest: report.Duration(v.longest)}
	if v.keys > 1 {
		r.Keys.Mean = report.Duration(v.keySpan / time.Duration(v.keys-1))
	}
	if v.keys > 0 {
		r.Keys.Bytes = v.keyBytes / v.keys
		r.Keys.Longest = max(r.Keys.Longest, report.Duration(v.line.last-v.keyAt))
	} else {
		r.Keys.Longest = report.Duration(now - v.began)
	}
	if size := fmt.Sprintf("%dx%d", i.Width, i.Height); w.videoClaimed != "" && i.Width > 0 && v.header.Count > 0 && w.videoClaimed != size {
		r.Claimed = w.videoClaimed
	}
	return r
}

func needsVideoHeader(c flv.FourCC) bool {
	switch c {
	case flv.FourCCAVC, flv.FourCCHEVC, flv.FourCCVVC, flv.FourCCAV1:
		return true
	}
	return false
}

var avcProfiles = map[uint8]string{66: "Baseline", 77: "Main", 88: "Extended", 100: "High", 110: "High 10", 122: "High 4:2:2", 244: "High 4:4:4"}

func videoProfile(h flv.VideoHeader) (profile, level string) {
	switch h.FourCC {
	case flv.FourCCAVC:
		c, err := flv.ParseAVCConfig(h.Data)
		if err != nil && c.Profile == 0 {
			return "", ""
		}
		profile = avcProfiles[c.Profile]
		if c.Profile == 66 && c.Compatibility&0x40 != 0 {
			profile = "Constrained Baseline"
		}
		if profile == "" {
			profile = fmt.Sprintf("profile %d", c.Profile)
		}
		if c.Interlaced {
			profile += " interlaced"
		}
		return profile, decimal(float64(c.Level) / 10)
	case flv.FourCCHEVC:
		c, err := flv.ParseHEVCConfig(h.Data)
		if err != nil && c.Profile == 0 {
			return "", ""
		}
		profile = map[uint8]string{1: "Main", 2: "Main 10", 3: "Main Still Picture", 4: "Range Extensions"}[c.Profile]
		if c.HighTier {
			profile += " High tier"
		}
		return profile, decimal(float64(c.Level) / 30)
	case flv.FourCCAV1:
		c, err := flv.ParseAV1Config(h.Data)
		if err != nil {
			return "", ""
		}
		return map[uint8]string{0: "Main", 1: "High", 2: "Professional"}[c.Profile], fmt.Sprintf("%d.%d", 2+c.Level/4, c.Level%4)
	case flv.FourCCVP9:
		if c, err := flv.ParseVPConfig(h.Data); err == nil {
			return fmt.Sprintf("profile %d", c.Profile), decimal(float64(c.Level) / 10)
		}
	}
	return "", ""
}

// decimal formats a level; 0 is "".
func decimal(level float64) string {
	if level == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", level)
}

func claims(values []any) string {
	for _, value := range values {
		size := amf.Members(value)
		width, _ := size.Get("width")
		height, _ := size.Get("height")
		w, ok := width.(float64)
		h, also := height.(float64)
		if ok && also && w > 0 && h > 0 {
			return strings.ReplaceAll(fmt.Sprintf("%gx%g", w, h), "+", "")
		}
	}
	return ""
}
