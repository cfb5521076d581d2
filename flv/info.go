package flv

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-librtmp/rtmp/amf"
)

// Info tells what a stream is made of. The zero value is ready to use; every tag is given to Add, in order.
type Info struct {
	Video, Audio, Script Traffic

	// What the stream itself says, as far as it does: "" or 0 otherwise. Of a stream that changes, what holds at its end.
	VideoCodec    string // "H.264"
	Width, Height int    // pixels
	AudioCodec    string // "AAC"
	SampleRate    int    // Hz
	Channels      int

	Duration time.Duration // according to the metadata; 0 for a live stream

	timeline Timeline
	exact    bool // Width and Height come from the decoder configuration, which metadata does not overrule
}

// Traffic counts the tags of one kind.
type Traffic struct {
	Tags    int64 // all of them
	Packets int64 // those with a coded frame, or with script data: not configurations, ends of sequence and empty tags
	Bytes   int64 // of all bodies

	// First and Last are the timestamps of the first and last tag, unrolled beyond 2^32 ms by one Timeline for all kinds.
	First, Last time.Duration
}

// Add takes a tag into account. Nothing of it is kept. Bodies that cannot be parsed only count.
func (i *Info) Add(t Tag) {
	at := time.Duration(i.timeline.Advance(t.Timestamp)) * time.Millisecond
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

func (t *Traffic) add(at time.Duration, size int, packet bool) {
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

// addVideo reports whether the body has a frame, assuming so of what it cannot read.
func (i *Info) addVideo(body []byte) bool {
	h, err := ParseVideoHeader(body)
	if err != nil {
		return true
	}
	if h.IsFrame() || h.IsSequenceHeader() {
		i.VideoCodec = h.Codec.String()
	}
	if h.Codec == VideoAVC && h.IsSequenceHeader() {
		if c, err := ParseAVCConfig(h.Data); err == nil && c.Width > 0 {
			i.Width, i.Height, i.exact = c.Width, c.Height, true
		}
	}
	return h.IsFrame()
}

// addAudio is addVideo for sound.
func (i *Info) addAudio(body []byte) bool {
	h, err := ParseAudioHeader(body)
	if err != nil {
		return true
	}
	if h.Empty {
		return false
	}
	i.AudioCodec = h.Format.String()
	if h.Format != AudioAAC {
		i.SampleRate, i.Channels = h.SampleRate, h.Channels
	} else if h.IsSequenceHeader() {
		if c, err := ParseAudioSpecificConfig(h.Data); err == nil {
			i.SampleRate, i.Channels = c.SampleRate, c.Channels
		}
	}
	return h.IsFrame()
}

func (i *Info) addScript(body []byte) {
	name, values, _ := ParseScript(body) // what came before the damage is good
	if name != "onMetaData" {
		return
	}
	if d := Duration(values...); d > 0 {
		i.Duration = d
	}
	if w, h := sizeOf(values); w > 0 && h > 0 && !i.exact {
		i.Width, i.Height = w, h
	}
}

// sizeOf returns the picture size that metadata tells, in pixels.
func sizeOf(values []any) (width, height int) {
	if len(values) == 0 {
		return 0, 0
	}
	metadata := amf.Object(members(values[0]))
	side := func(name string) int {
		v, _ := metadata.Get(name)
		if f, ok := v.(float64); ok && f >= 1 && f <= maxPictureSize {
			return int(f)
		}
		return 0
	}
	return side("width"), side("height")
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
			s += fmt.Sprintf(" %d Hz, %d channels", i.SampleRate, i.Channels)
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

// String returns "250 packets, 195136 bytes, 0s to 9.96s".
func (t Traffic) String() string {
	return fmt.Sprintf("%d packets, %d bytes, %v to %v", t.Packets, t.Bytes, t.First, t.Last)
}

func joinWords(a, b string) string {
	if b == "" {
		return a
	}
	return a + " " + b
}
