package flv

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/amf"
)

// Info summarizes a stream. The zero value is ready to use. Call Add with every tag, in order.
type Info struct {
	Video, Audio, Script TagStats

	// These properties come from the stream itself, or from the metadata until the stream contains them. They are "" or 0 if unknown. If a
	// property changes, the last value counts. If there are several tracks, the track with the lowest id counts.
	VideoCodec    string // "H.264"
	Width, Height int    // pixels
	AudioCodec    string // "AAC"
	SampleRate    int    // Hz
	Channels      int

	Duration time.Duration // duration in the metadata; 0 for a live stream

	timeline   Timeline
	tracks     struct{ video, audio trackSet }
	video      videoID // the codec that VideoCodec names
	audio      audioID
	fromStream struct{ videoCodec, size, audioCodec, rate, channels bool } // properties that metadata does not replace
}

type (
	videoID struct {
		codec  VideoCodec
		fourCC FourCC
	}
	audioID struct {
		format SoundFormat
		fourCC FourCC
	}
)

// TagStats counts the tags of one kind.
type TagStats struct {
	Tags    int64 // all tags
	Packets int64 // tags with a coded frame or script data, as opposed to configurations, ends of sequence and empty tags
	Bytes   int64 // size of all bodies
	Tracks  int   // number of track ids: 1 without Multitrack, 0 for script data

	// First and Last are the timestamps of the first and last tag, unwrapped beyond 2^32 ms.
	First, Last time.Duration
}

// Add counts a tag. It keeps nothing of the body. Bodies that can't be parsed are only counted.
func (i *Info) Add(t Tag) {
	at := time.Duration(i.timeline.Unwrap(t.Timestamp)) * time.Millisecond
	switch t.Type {
	case TagVideo:
		i.Video.add(at, len(t.Body), t.Filtered || i.addVideo(t.Body))
	case TagAudio:
		i.Audio.add(at, len(t.Body), t.Filtered || i.addAudio(t.Body))
	case TagScript:
		i.Script.add(at, len(t.Body), len(t.Body) > 0)
		if !t.Filtered {
			i.addScript(t.Body)
		}
	}
}

func (t *TagStats) add(at time.Duration, size int, packet bool) {
	if t.Tags == 0 {
		t.First = at
	}
	t.Last = at
	t.Tags++
	t.Bytes += int64(size)
	if packet {
		t.Packets++
	}
}

// addVideo reports whether the body contains a frame, or can't be parsed.
func (i *Info) addVideo(body []byte) bool {
	h, err := ParseVideoHeader(body)
	if err != nil {
		return true
	}
	for track, err := range h.Tracks() {
		if err != nil || !track.IsFrame() && !track.IsSequenceHeader() {
			continue
		}
		if i.tracks.video.add(track.TrackID) {
			i.describeVideo(track)
		}
	}
	i.Video.Tracks = i.tracks.video.len()
	return h.IsFrame()
}

func (i *Info) describeVideo(h VideoHeader) {
	codec := videoID{h.Codec, h.FourCC}
	if !i.fromStream.videoCodec || codec != i.video {
		i.video, i.VideoCodec, i.fromStream.videoCodec = codec, h.CodecName(), true
	}
	if w, h := h.PictureSize(); w > 0 {
		i.Width, i.Height, i.fromStream.size = w, h, true
	}
}

func (i *Info) addAudio(body []byte) bool {
	h, err := ParseAudioHeader(body)
	if err != nil {
		return true
	}
	for track, err := range h.Tracks() {
		if err == nil && i.tracks.audio.add(track.TrackID) {
			i.describeAudio(track)
		}
	}
	i.Audio.Tracks = i.tracks.audio.len()
	return h.IsFrame()
}

func (i *Info) describeAudio(h AudioHeader) {
	codec := audioID{h.Format, h.FourCC}
	if !i.fromStream.audioCodec || codec != i.audio {
		i.audio, i.AudioCodec, i.fromStream.audioCodec = codec, h.CodecName(), true
		i.fromStream.rate, i.fromStream.channels = false, false
	}
	rate, channels := h.Sound()
	if rate > 0 {
		i.SampleRate, i.fromStream.rate = rate, true
	}
	if h.FourCC == FourCCOpus && h.IsFrame() && i.fromStream.channels {
		return // a packet states one or two channels even if the stream has more
	}
	if channels > 0 {
		i.Channels, i.fromStream.channels = channels, true
	}
}

func (i *Info) addScript(body []byte) {
	name, values, _ := ParseScript(body) // the values before an error are valid
	if name != onMetaData {
		return
	}
	if d := Duration(values...); d > 0 {
		i.Duration = d
	}
	if len(values) == 0 {
		return
	}
	m := metadata(amf.Members(values[0]))
	if c := m.videoCodec(); c != "" && !i.fromStream.videoCodec {
		i.VideoCodec = c
	}
	if w, h := m.size(); w > 0 && h > 0 && !i.fromStream.size {
		i.Width, i.Height = w, h
	}
	if c := m.audioCodec(); c != "" && !i.fromStream.audioCodec {
		i.AudioCodec = c
	}
	rate, channels := m.sound()
	if rate > 0 && !i.fromStream.rate {
		i.SampleRate = rate
	}
	if channels > 0 && !i.fromStream.channels {
		i.Channels = channels
	}
}

// String describes the stream in one line:
//
//	video H.264 320x180, 250 packets, 195136 bytes, 0s to 9.96s; audio AAC 44100 Hz, 2 channels, ...; duration 10.08s
func (i *Info) String() string {
	var parts []string
	if i.Video.Tags > 0 {
		s := joinWords("video", i.VideoCodec)
		if i.Width > 0 {
			s += fmt.Sprintf(" %dx%d", i.Width, i.Height)
		}
		parts = append(parts, s+", "+i.Video.String())
	}
	if i.Audio.Tags > 0 {
		s := joinWords("audio", i.AudioCodec)
		if i.SampleRate > 0 {
			s += fmt.Sprintf(" %d Hz", i.SampleRate)
		}
		if i.Channels > 0 {
			s += ", " + count(i.Channels, "channel")
		}
		parts = append(parts, s+", "+i.Audio.String())
	}
	if i.Script.Tags > 0 {
		parts = append(parts, "script, "+i.Script.String())
	}
	if i.Duration > 0 {
		parts = append(parts, "duration "+i.Duration.String())
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}

// String returns, for example, "250 packets, 195136 bytes, 0s to 9.96s", with "2 tracks, " before it if there are several.
func (t TagStats) String() string {
	s := fmt.Sprintf("%s, %s, %v to %v", count(t.Packets, "packet"), count(t.Bytes, "byte"), t.First, t.Last)
	if t.Tracks > 1 {
		s = fmt.Sprintf("%d tracks, ", t.Tracks) + s
	}
	return s
}

func count[N int | int64](n N, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

func joinWords(a, b string) string {
	if b == "" {
		return a
	}
	return a + " " + b
}
