package findings

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-librtmp/rtmp/cmd/rtmpprobe/internal/report"
)

const (
	// maxKeyDistance is the distance of key frames above which joining players wait too long.
	maxKeyDistance = report.Duration(5 * time.Second)
	// maxOffset is the largest acceptable offset between audio and video.
	maxOffset = report.Duration(500 * time.Millisecond)
	// maxDrift is the largest acceptable change of the offset between audio and video, or between the timestamps and the sample count.
	maxDrift = report.Duration(100 * time.Millisecond)
	// minPace is the lowest pace of media, relative to real time, at which players can play without a pause.
	minPace = 0.95
	// maxKeyFrameDelay is the longest acceptable time from the first packet to the first key frame.
	maxKeyFrameDelay = report.Duration(500 * time.Millisecond)
	// patience is how long a stream may send nothing before --watch reports it.
	patience = report.Duration(5 * time.Second)
	// minBurst is the duration of media sent at once at the beginning, above which the report mentions it.
	minBurst = report.Duration(time.Second)
)

var media = []rule{
	{"no-media", report.Error, func(r *report.Report) string {
		if r.Publish || !opened(r) || r.Err != nil && !errors.Is(r.Err, io.EOF) || r.Media.First != 0 {
			return ""
		}
		if r.Since != 0 && r.Since < patience { // it may still arrive
			return ""
		}
		return "The server accepted play, but sent no media."
	}, "Perhaps nobody is publishing the stream: check the publisher and the stream's name. Some live streams are found only with --live."},
	{"no-key-frame", report.Error, func(r *report.Report) string {
		v := r.Media.Video
		if v == nil && r.Media.Announced && r.Media.For >= maxKeyDistance/2 {
			return fmt.Sprintf("The metadata announces video, but none arrived in %s. The server may be waiting for a key frame.", seconds(r.Media.For))
		}
		if v == nil || v.Keys.Count > 0 || v.Keys.Longest < maxKeyDistance/2 {
			return ""
		}
		return fmt.Sprintf("No key frame arrived in %s. Players that join see nothing until one arrives.", seconds(v.Keys.Longest))
	}, keyframes},
	{"video-header-missing", report.Error, func(r *report.Report) string {
		v := r.Media.Video
		if v == nil || !v.Header.Needed || v.Header.Count > 0 {
			return ""
		}
		return "The video arrived without its decoder configuration: players can't decode it."
	}, headers},
	{"audio-header-missing", report.Error, func(r *report.Report) string {
		a := r.Media.Audio
		if a == nil || !a.Header.Needed || a.Header.Count > 0 {
			return ""
		}
		return "The audio arrived without its decoder configuration: players can't decode it."
	}, headers},
	{"header-late", report.Warning, func(r *report.Report) string {
		v, a := r.Media.Video, r.Media.Audio
		early := 0
		if v != nil && v.Header.Count > 0 {
			early += v.Header.Early
		}
		if a != nil && a.Header.Count > 0 {
			early += a.Header.Early
		}
		if early == 0 {
			return ""
		}
		return report.Number(early, "frame") + " arrived before the decoder configuration, and can't be decoded."
	}, headers},
	{"key-frames-rare", report.Warning, func(r *report.Report) string {
		v := r.Media.Video
		if v == nil || v.Keys.Count == 0 || v.Keys.Longest <= maxKeyDistance {
			return ""
		}
		return fmt.Sprintf("Key frames are up to %s apart. Players that join wait for the next one, and HLS segments have that length.",
			seconds(v.Keys.Longest))
	}, keyframes},
	{"time-jumps", report.Warning, moments("Timestamps jump forward", func(m *report.Media) report.Moments { return m.Jumps }),
		"Players stall or skip there. The publisher's clock, or a server that joins streams, is at fault."},
	{"time-runs-back", report.Warning, moments("Timestamps go back", func(m *report.Media) report.Moments { return m.Backs }),
		"Many players and recorders drop the frames that follow. The publisher's clock, or a server that joins streams, is at fault."},
	{"time-repeats", report.Note, moments("Several frames of a track have the same timestamp", func(m *report.Media) report.Moments { return m.Repeats }), ""},
	{"apart", report.Warning, func(r *report.Report) string {
		if r.Media.Offset > -maxOffset && r.Media.Offset < maxOffset {
			return ""
		}
		who := "Audio is sent %s ahead of the video"
		d := r.Media.Offset
		if d < 0 {
			who, d = "Video is sent %s ahead of the audio", -d
		}
		return fmt.Sprintf(who+" with the same timestamps: players must wait for one of them.", milliseconds(d))
	}, "The publisher should interleave both by time."},
	{"drift", report.Warning, func(r *report.Report) string {
		if r.Media.Drift > -maxDrift && r.Media.Drift < maxDrift {
			return ""
		}
		return fmt.Sprintf("Audio and video drift apart, by %s in %s.", milliseconds(r.Media.Drift), seconds(r.Media.For))
	}, "The publisher's clocks for audio and video differ."},
	{"audio-clock", report.Warning, func(r *report.Report) string {
		a := r.Media.Audio
		if a == nil || a.Clock > -maxDrift && a.Clock < maxDrift {
			return ""
		}
		return fmt.Sprintf("The audio timestamps differ from the number of samples by %s: audio is missing, or the sample rate is wrong.", milliseconds(a.Clock))
	}, "Check the publisher's audio device, and whether it drops frames."},
	{"slow", report.Warning, func(r *report.Report) string {
		if r.Media.Pace == 0 || r.Media.Pace >= minPace || r.Media.Ended {
			return ""
		}
		return fmt.Sprintf("Media arrives at only %.2f times real time: players run out of it.", r.Media.Pace)
	}, "The network, the server or the encoder does not keep up: lower the bit rate, or the encoder's settings."},
	{"stalls", report.Warning, func(r *report.Report) string {
		if len(r.Media.Stalls) == 0 {
			return ""
		}
		longest := report.Duration(0)
		for _, s := range r.Media.Stalls {
			longest = max(longest, s.Took)
		}
		return fmt.Sprintf("No media arrived for more than half a second, %s, for %s at the longest.", report.Number(len(r.Media.Stalls), "time"), seconds(longest))
	}, "Check the network of the publisher and of this machine."},
	{"ended", report.Warning, func(r *report.Report) string {
		if !errors.Is(r.Err, io.EOF) || r.Media.First == 0 || r.Media.Duration > 0 {
			return ""
		}
		return fmt.Sprintf("The server ended the stream after %s.", seconds(r.Media.For))
	}, ""},
	{"metadata-differs", report.Warning, func(r *report.Report) string {
		v := r.Media.Video
		if v == nil || v.Claimed == "" {
			return ""
		}
		return fmt.Sprintf("The metadata says %s, but the video is %dx%d.", v.Claimed, v.Width, v.Height)
	}, "Some players and servers believe the metadata: the publisher should correct it."},
	{"metadata-missing", report.Note, func(r *report.Report) string {
		if r.Media.Metadata || r.Media.First == 0 || r.Media.For < report.Duration(time.Second) {
			return ""
		}
		return "The stream has no metadata."
	}, ""},
	{"b-frames", report.Note, func(r *report.Report) string {
		v := r.Media.Video
		if v == nil || !v.BFrames {
			return ""
		}
		return fmt.Sprintf("The video has B-frames, which add a delay of %s and which WebRTC players can't show.", milliseconds(v.Delay))
	}, "Set the encoder to no B-frames (x264: bframes=0, tune zerolatency) where that matters."},
	{"burst", report.Note, func(r *report.Report) string {
		if r.Publish || r.Media.Duration > 0 || r.Media.Burst < minBurst {
			return ""
		}
		return fmt.Sprintf("The server sent %s of media at once at the beginning: players begin at once, but with that delay.", seconds(r.Media.Burst))
	}, "That is the server's cache since the last key frame. A shorter key frame interval makes it smaller."},
	{"key-frame-late", report.Note, func(r *report.Report) string {
		if r.Publish || r.Media.FirstKey == 0 || r.Media.FirstKey-r.Media.First < maxKeyFrameDelay {
			return ""
		}
		return fmt.Sprintf("The first key frame arrived %s after the first packet: the server does not store one for players that join.",
			milliseconds(r.Media.FirstKey-r.Media.First))
	}, "Let the server store the stream since the last key frame (SRS: gop_cache, nginx-http-flv: gop_cache), or set a shorter key frame interval."},
	{"one-kind", report.Note, func(r *report.Report) string {
		switch {
		case r.Media.First == 0 || r.Media.For < report.Duration(3*time.Second):
			return ""
		case r.Media.Video == nil && !r.Media.Announced:
			return "The stream has no video."
		case r.Media.Audio == nil:
			return "The stream has no audio. Some players wait for audio before they begin."
		}
		return ""
	}, ""},
}

const (
	keyframes = "Set the encoder's keyframe interval to 2 s (OBS: Keyframe Interval 2 s; ffmpeg: -g twice the frame rate)."
	headers   = "The publisher should send it again when it reconnects, and the server should send it to players that join."
)

func moments(what string, of func(*report.Media) report.Moments) func(*report.Report) string {
	return func(r *report.Report) string {
		m := of(&r.Media)
		if m.Count == 0 {
			return ""
		}
		return fmt.Sprintf("%s, %s: first that of %s, from %s to %s.", what, report.Number(m.Count, "time"), m.Track, seconds3(m.From), seconds3(m.To))
	}
}

func opened(r *report.Report) bool {
	for _, s := range r.Stages {
		if (s.Name == report.Play || s.Name == report.Publish) && s.Error == "" {
			return true
		}
	}
	return false
}

func seconds3(d report.Duration) string { return fmt.Sprintf("%.3f s", time.Duration(d).Seconds()) }
