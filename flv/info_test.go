package flv

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
)

func TestTimeline(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []uint32
		want []int64
	}{
		{"starts anywhere", []uint32{0xfffffff0}, []int64{0xfffffff0}},
		{"forwards", []uint32{0, 40, 80, 80}, []int64{0, 40, 80, 80}},
		{"backwards", []uint32{100, 60, 120}, []int64{100, 60, 120}},
		{"wraps", []uint32{0xfffffff0, 0x10, 0xffffffff, 0x20}, []int64{0xfffffff0, 1<<32 + 0x10, 1<<32 - 1, 1<<32 + 0x20}},
		{"wraps twice", []uint32{0xc0000000, 0, 0x40000000, 0x80000000 - 1, 0xc0000000, 0},
			[]int64{3 << 30, 4 << 30, 5 << 30, 6<<30 - 1, 7 << 30, 8 << 30}},
		{"below zero", []uint32{5, 0xfffffffb, 5}, []int64{5, -5, 5}},
		{"long way", []uint32{0, 0x7fffffff, 0}, []int64{0, 0x7fffffff, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var line Timeline
			var got []int64
			for _, ts := range c.in {
				at := line.Unwrap(ts)
				assert.Equal(t, ts, uint32(at))
				got = append(got, at)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// TestInfoOfSample compares with ffprobe's numbers for the sample: 250 video packets with 187414 bytes in total, the last at 9.96 s, and
// 432 audio packets with 60256 bytes, the last at 10.065 s.
func TestInfoOfSample(t *testing.T) {
	r := NewReader(bytes.NewReader(sample(t)))
	var info Info
	var tag Tag
	var err error
	for err = r.Next(&tag); err == nil; err = r.Next(&tag) {
		info.Add(tag)
	}
	require.Same(t, io.EOF, err)
	assert.Zero(t, r.WrongPreviousTagSizes())
	assert.Equal(t, "H.264", info.VideoCodec)
	assert.Equal(t, [2]int{320, 180}, [2]int{info.Width, info.Height})
	assert.Equal(t, "AAC", info.AudioCodec)
	assert.Equal(t, [2]int{44100, 2}, [2]int{info.SampleRate, info.Channels})
	assert.Equal(t, 10080*time.Millisecond, info.Duration)
	assert.Equal(t, int64(250), info.Video.Packets)
	assert.Equal(t, int64(432), info.Audio.Packets)
	assert.Equal(t, int64(1), info.Script.Packets)
	assert.Equal(t, int64(252), info.Video.Tags, "the packets, a configuration and an end of sequence")
	assert.Equal(t, int64(433), info.Audio.Tags, "the packets and a configuration")
	assert.Equal(t, int64(187414+250*5+45+5), info.Video.Bytes, "the sum includes the headers")
	assert.Equal(t, int64(60256+432*2+7), info.Audio.Bytes, "the sum includes the headers")
	assert.Zero(t, info.Video.First)
	assert.Equal(t, 9960*time.Millisecond, info.Video.Last)
	assert.Equal(t, 10065*time.Millisecond, info.Audio.Last)
	total := FileHeaderSize + info.Video.Bytes + info.Audio.Bytes + info.Script.Bytes +
		TagOverhead*(info.Video.Tags+info.Audio.Tags+info.Script.Tags)
	assert.Equal(t, int64(len(sample(t))), total)
}

func TestInfo(t *testing.T) {
	metadata := func(members ...amf.Property) []byte { return script(t, "onMetaData", amf.ECMAArray(members)) }
	size := []amf.Property{{Name: "width", Value: 640.0}, {Name: "height", Value: 360.0}}
	config := append(unhex("17 00 000000"), unhex(avcRecords[1].record)...) // 176x144
	for _, c := range []struct {
		name string
		tags []Tag
		want string
	}{
		{"nothing", nil, "nothing"},
		{"silence", []Tag{{Type: TagAudio}, {Type: TagVideo}},
			"video, 0 packets, 0 bytes, 0s to 0s; audio, 0 packets, 0 bytes, 0s to 0s"},
		{"metadata tells the size", []Tag{{Type: TagScript, Body: metadata(size...)}, {Type: TagVideo, Body: unhex("14 35 aa")}},
			"video VP6 640x360, 1 packet, 3 bytes, 0s to 0s; script, 1 packet, 54 bytes, 0s to 0s"},
		{"the configuration knows better", []Tag{{Type: TagVideo, Body: config}, {Type: TagScript, Body: metadata(size...)}},
			"video H.264 176x144, 0 packets, 43 bytes, 0s to 0s; script, 1 packet, 54 bytes, 0s to 0s"},
		{"metadata that cannot be", []Tag{{Type: TagScript, Body: metadata(
			amf.Property{Name: "width", Value: -1.0}, amf.Property{Name: "height", Value: 1e300})}},
			"script, 1 packet, 54 bytes, 0s to 0s"},
		{"later metadata that says less", []Tag{
			{Type: TagScript, Body: metadata(append(size, amf.Property{Name: "duration", Value: 3.0}, amf.Property{Name: "audiosamplerate", Value: 8000.0},
				amf.Property{Name: "audiochannels", Value: 1.0})...)},
			{Type: TagScript, Body: metadata(size[0])}, {Type: TagScript, Body: metadata(size[1])}, {Type: TagVideo}, {Type: TagAudio}},
			"video 640x360, 0 packets, 0 bytes, 0s to 0s; audio 8000 Hz, 1 channel, 0 packets, 0 bytes, 0s to 0s; " +
				"script, 3 packets, 198 bytes, 0s to 0s; duration 3s"},
		{"the largest values", []Tag{{Type: TagScript, Body: metadata(amf.Property{Name: "width", Value: 65536.0}, amf.Property{Name: "height", Value: 65536.0},
			amf.Property{Name: "audiosamplerate", Value: 1048576.0}, amf.Property{Name: "audiochannels", Value: 255.0})}, {Type: TagVideo}, {Type: TagAudio}},
			"video 65536x65536, 0 packets, 0 bytes, 0s to 0s; audio 1048576 Hz, 255 channels, 0 packets, 0 bytes, 0s to 0s; " +
				"script, 1 packet, 104 bytes, 0s to 0s"},
		{"codecs 0", []Tag{{Type: TagScript, Body: metadata(
			amf.Property{Name: "videocodecid", Value: 0.0}, amf.Property{Name: "audiocodecid", Value: 0.0})}, {Type: TagVideo}, {Type: TagAudio}},
			"video, 0 packets, 0 bytes, 0s to 0s; audio PCM, 0 packets, 0 bytes, 0s to 0s; script, 1 packet, 67 bytes, 0s to 0s"},
		{"codecs by other names", []Tag{{Type: TagScript, Body: metadata(
			amf.Property{Name: "videocodecid", Value: "avc"}, amf.Property{Name: "audiocodecid", Value: "unknown"})}, {Type: TagVideo}, {Type: TagAudio}},
			"video, 0 packets, 0 bytes, 0s to 0s; audio, 0 packets, 0 bytes, 0s to 0s; script, 1 packet, 65 bytes, 0s to 0s"},
		{"duration", []Tag{{Type: TagScript, Body: metadata(amf.Property{Name: "duration", Value: 5e6})}},
			"script, 1 packet, 40 bytes, 0s to 0s; duration 1388h53m20s"},
		{"other scripts", []Tag{{Type: TagScript, Body: script(t, "onCuePoint", amf.Object{{Name: "duration", Value: 1.0}})},
			{Type: TagScript, Body: script(t, "onMetaData")}, {Type: TagScript, Body: []byte{0xff}}, {Type: TagScript}},
			"script, 3 packets, 50 bytes, 0s to 0s"},
		{"audio codecs", []Tag{{Type: TagAudio, Body: unhex("2a")}},
			"audio MP3 22050 Hz, 1 channel, 1 packet, 1 byte, 0s to 0s"},
		{"HE-AAC", []Tag{{Type: TagAudio, Body: unhex("af00 eb8a0800")}, {Type: TagAudio, Timestamp: 46, Body: unhex("af01 21")}},
			"audio AAC 44100 Hz, 2 channels, 1 packet, 9 bytes, 0s to 46ms"},
		{"timestamps wrap", []Tag{{Type: TagAudio, Timestamp: 0xffffff00, Body: unhex("b2")}, {Type: TagAudio, Timestamp: 0x100, Body: unhex("b2")}},
			"audio Speex 16000 Hz, 1 channel, 2 packets, 2 bytes, 1193h2m47.04s to 1193h2m47.552s"},
		{"metadata tells the codecs", []Tag{{Type: TagScript, Body: metadata(
			amf.Property{Name: "videocodecid", Value: 1752589105.0}, amf.Property{Name: "audiocodecid", Value: 10.0},
			amf.Property{Name: "audiosamplerate", Value: 48000.0}, amf.Property{Name: "stereo", Value: true})}, {Type: TagVideo}, {Type: TagAudio}},
			"video H.265, 0 packets, 0 bytes, 0s to 0s; audio AAC 48000 Hz, 2 channels, 0 packets, 0 bytes, 0s to 0s; " +
				"script, 1 packet, 103 bytes, 0s to 0s"},
		{"codecs as text", []Tag{{Type: TagScript, Body: metadata(
			amf.Property{Name: "videocodecid", Value: "avc1"}, amf.Property{Name: "audiocodecid", Value: "Opus"},
			amf.Property{Name: "audiosamplerate", Value: 48000.0}, amf.Property{Name: "audiochannels", Value: 6.0})}, {Type: TagVideo}, {Type: TagAudio}},
			"video H.264, 0 packets, 0 bytes, 0s to 0s; audio Opus 48000 Hz, 6 channels, 0 packets, 0 bytes, 0s to 0s; " +
				"script, 1 packet, 113 bytes, 0s to 0s"},
		{"the highest number of a codec", []Tag{{Type: TagScript, Body: metadata(amf.Property{Name: "audiocodecid", Value: 15.0})}, {Type: TagAudio}},
			"audio device-specific sound, 0 packets, 0 bytes, 0s to 0s; script, 1 packet, 44 bytes, 0s to 0s"},
		{"codecs that cannot be", []Tag{{Type: TagScript, Body: metadata(
			amf.Property{Name: "videocodecid", Value: -1.0}, amf.Property{Name: "audiocodecid", Value: math.NaN()},
			amf.Property{Name: "audiosamplerate", Value: 1e300}, amf.Property{Name: "audiochannels", Value: -6.0})}, {Type: TagVideo}, {Type: TagAudio}},
			"video, 0 packets, 0 bytes, 0s to 0s; audio, 0 packets, 0 bytes, 0s to 0s; script, 1 packet, 117 bytes, 0s to 0s"},
		{"metadata after the stream", []Tag{{Type: TagVideo, Body: unhex("91 76703039 " + vp9Frame420)}, {Type: TagAudio, Body: unhex("af00 1210")},
			{Type: TagScript, Body: metadata(append(size, amf.Property{Name: "videocodecid", Value: 7.0}, amf.Property{Name: "audiocodecid", Value: 2.0},
				amf.Property{Name: "audiosamplerate", Value: 8000.0})...)}},
			"video VP9 322x182, 1 packet, 21 bytes, 0s to 0s; audio AAC 44100 Hz, 2 channels, 0 packets, 4 bytes, 0s to 0s; " +
				"script, 1 packet, 126 bytes, 0s to 0s"},
		{"Enhanced RTMP counts", []Tag{{Type: TagVideo, Body: unhex("91 68766331 000000")}, {Type: TagAudio, Body: unhex("91 4f707573")}},
			"video H.265, 1 packet, 8 bytes, 0s to 0s; audio Opus 48000 Hz, 1 packet, 5 bytes, 0s to 0s"},
		{"broken configurations", []Tag{{Type: TagVideo, Body: unhex("17 00 000000 ff")}, {Type: TagAudio, Body: unhex("af00 ff")}},
			"video H.264, 0 packets, 6 bytes, 0s to 0s; audio AAC, 0 packets, 3 bytes, 0s to 0s"},
		{"encrypted", []Tag{{Type: TagVideo, Filtered: true, Body: config}, {Type: TagScript, Filtered: true, Body: metadata(size...)}},
			"video, 1 packet, 43 bytes, 0s to 0s; script, 1 packet, 54 bytes, 0s to 0s"},
		{"unknown types", []Tag{{Type: 15, Timestamp: 99, Body: []byte{1}}}, "nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var info Info
			for _, tag := range c.tags {
				info.Add(tag)
			}
			assert.Equal(t, c.want, info.String())
		})
	}
}

func TestInfoOfCodecs(t *testing.T) {
	type format struct {
		codec         string
		width, height int // for audio, the rate and the number of channels
	}
	video := func(bodies ...string) (i Info, got format) {
		for _, body := range bodies {
			i.Add(Tag{Type: TagVideo, Body: unhex(body)})
		}
		return i, format{i.VideoCodec, i.Width, i.Height}
	}
	audio := func(bodies ...string) (i Info, got format) {
		for _, body := range bodies {
			i.Add(Tag{Type: TagAudio, Body: unhex(body)})
		}
		return i, format{i.AudioCodec, i.SampleRate, i.Channels}
	}
	avc := avcRecords[1].record // 176x144
	for _, c := range []struct {
		name   string
		parse  func(...string) (Info, format)
		bodies []string
		want   format
		tracks int
	}{
		{"H.264", video, []string{"90 61766331" + avc}, format{"H.264", 176, 144}, 1},
		{"H.265", video, []string{"90 68766331" + hevcRecord}, format{"H.265", 322, 182}, 1},
		{"H.265, old form", video, []string{"1c 00 000000" + hevcRecord}, format{"H.265", 322, 182}, 1},
		{"H.266", video, []string{"90 76766331" + vvcRecord}, format{"H.266", 1920, 1080}, 1},
		{"AV1", video, []string{"90 61763031" + av1Record}, format{"AV1", 322, 182}, 1},
		{"AV1, key frame only", video, []string{"90 61763031 81000c00", "91 61763031" + av1Frame}, format{"AV1", 322, 182}, 1},
		{"AV1, descriptor of MPEG-2 TS", video, []string{"95 61763031 800481000c00"}, format{"AV1", 0, 0}, 1},
		{"VP9", video, []string{"90 76703039" + vp9Record, "91 76703039" + vp9Frame420}, format{"VP9", 322, 182}, 1},
		{"VP8", video, []string{"91 76703038" + vp8Frame}, format{"VP8", 322, 182}, 1},
		{"changes", video, []string{"90 68766331" + hevcRecord, "90 61766331" + avc}, format{"H.264", 176, 144}, 1},
		{"not known", video, []string{"91 7a7a7a7a 00"}, format{"zzzz", 0, 0}, 1},
		{"commands and metadata tell nothing", video, []string{"57 00", "d0 00", "d4 68766331 02", "92 68766331"}, format{}, 0},
		{"tracks, the lowest id counts", video, []string{"90 61766331" + avc, "96 00 68766331 01" + hevcRecord}, format{"H.264", 176, 144}, 2},
		{"tracks, the lowest id comes late", video, []string{"96 00 68766331 c8" + hevcRecord, "96 00 61766331 40" + avc}, format{"H.264", 176, 144}, 2},
		{"tracks in one message", video, []string{"96 23 76703039 05 000010" + vp9Frame420 + "76703038 02 000010" + vp8Frame}, format{"VP8", 322, 182}, 2},
		{"tracks cut", video, []string{"96 23 76703039 05 000010" + vp9Frame420 + "76"}, format{"VP9", 322, 182}, 1},

		{"AAC", audio, []string{"90 6d703461 1210", "91 6d703461 21"}, format{"AAC", 44100, 2}, 1},
		{"AAC, 5.1 in the old form", audio, []string{"af00 11b0", "af01 21"}, format{"AAC", 48000, 6}, 1},
		{"Opus", audio, []string{"90 4f707573" + opusStereo, "91 4f707573 fc"}, format{"Opus", 48000, 2}, 1},
		{"Opus 5.1", audio, []string{"90 4f707573" + opus51, "91 4f707573 fc"}, format{"Opus", 48000, 6}, 1},
		{"Opus without configuration", audio, []string{"90 4f707573", "91 4f707573 f8"}, format{"Opus", 48000, 1}, 1},
		{"Opus, then its channels", audio, []string{"90 4f707573", "94 4f707573 01 06 0000003f", "91 4f707573 fc"}, format{"Opus", 48000, 6}, 1},
		{"Opus, old form", audio, []string{"df fc"}, format{"Opus", 48000, 2}, 1},
		{"FLAC", audio, []string{"90 664c6143" + flacRecord}, format{"FLAC", 48000, 2}, 1},
		{"FLAC, from FFmpeg", audio, []string{"90 664c6143" + flacInfo, "91 664c6143 fff8"}, format{"FLAC", 48000, 2}, 1},
		{"AC-3", audio, []string{"90 61632d33", "91 61632d33" + ac3Frame51}, format{"AC-3", 48000, 6}, 1},
		{"AC-3 of a quarter of the rate", audio, []string{"91 61632d33" + strings.Replace(ac3Frame51, "1e40", "1e50", 1)}, format{"AC-3", 12000, 6}, 1},
		{"E-AC-3", audio, []string{"91 65632d33" + eac3Frame}, format{"E-AC-3", 48000, 2}, 1},
		{"MP3", audio, []string{"91 2e6d7033" + mp3Frame48k}, format{"MP3", 48000, 1}, 1},
		{"MP3, old form", audio, []string{"2f" + mp3Frame48k}, format{"MP3", 48000, 1}, 1},
		{"changes", audio, []string{"90 6d703461 1210", "91 4f707573 f8"}, format{"Opus", 48000, 1}, 1},
		{"tracks", audio, []string{"af00 1210", "95 00 4f707573 01" + opus51}, format{"AAC", 44100, 2}, 2},
		{"broken", audio, []string{"90 4f707573 00", "90 664c6143 00", "91 61632d33 00"}, format{"AC-3", 48000, 0}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			info, got := c.parse(c.bodies...)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.tracks, info.Video.Tracks+info.Audio.Tracks)
			if c.tracks > 1 {
				assert.Contains(t, info.String(), "2 tracks, ")
			}
		})
	}
}

func TestInfoAllocates(t *testing.T) {
	var info Info
	var tags []Tag
	for _, body := range []string{"27 01 000000 aa", "a3 68766331 aa", "91 76703039" + vp9Frame420, "91 61763031" + av1Frame,
		"a6 23 76703039 05 000010" + vp9Frame420 + "76703038 02 000010" + vp8Frame} {
		tags = append(tags, Tag{Type: TagVideo, Body: unhex(body)})
	}
	for _, body := range []string{"af 01 aa", "91 4f707573 fc", "91 61632d33" + ac3Frame51, "91 2e6d7033" + mp3Frame48k} {
		tags = append(tags, Tag{Type: TagAudio, Body: unhex(body)})
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		for _, tag := range tags {
			info.Add(tag)
		}
	}))
	unknownVideo, unknownAudio := unhex("20"), unhex("91 01020304")
	info.Add(Tag{Type: TagVideo, Body: unknownVideo})
	info.Add(Tag{Type: TagAudio, Body: unknownAudio})
	assert.Equal(t, [2]string{"video codec 0", "0x01020304"}, [2]string{info.VideoCodec, info.AudioCodec})
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		info.Add(Tag{Type: TagVideo, Body: unknownVideo})
		info.Add(Tag{Type: TagAudio, Body: unknownAudio})
	}), "codecs whose names are made up")
}
