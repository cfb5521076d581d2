package flv

import (
	"bytes"
	"io"
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
		{"behind zero", []uint32{5, 0xfffffffb, 5}, []int64{5, -5, 5}},
		{"long way", []uint32{0, 0x7fffffff, 0}, []int64{0, 0x7fffffff, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var line Timeline
			var got []int64
			for _, ts := range c.in {
				at := line.Advance(ts)
				assert.Equal(t, ts, uint32(at))
				got = append(got, at)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// The numbers are ffprobe's for the sample: 250 packets of 187414 bytes in all, the last at 9.96 s, and 432 of 60256 bytes, the
// last at 10.065 s.
func TestInfoOfSample(t *testing.T) {
	r := NewReader(bytes.NewReader(sample(t)))
	var info Info
	var tag Tag
	var err error
	for err = r.Next(&tag); err == nil; err = r.Next(&tag) {
		info.Add(tag)
	}
	require.Same(t, io.EOF, err)
	assert.Zero(t, r.WrongBackPointers())
	assert.Equal(t, "H.264", info.VideoCodec)
	assert.Equal(t, [2]int{320, 180}, [2]int{info.Width, info.Height})
	assert.Equal(t, "AAC", info.AudioCodec)
	assert.Equal(t, [2]int{44100, 2}, [2]int{info.SampleRate, info.Channels})
	assert.Equal(t, 10080*time.Millisecond, info.Duration)
	assert.Equal(t, int64(250), info.Video.Packets)
	assert.Equal(t, int64(432), info.Audio.Packets)
	assert.Equal(t, int64(1), info.Script.Packets)
	assert.Equal(t, int64(252), info.Video.Tags, "a configuration and an end of sequence more")
	assert.Equal(t, int64(433), info.Audio.Tags, "a configuration more")
	assert.Equal(t, int64(187414+250*5+45+5), info.Video.Bytes, "with the headers")
	assert.Equal(t, int64(60256+432*2+7), info.Audio.Bytes, "with the headers")
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
			"video VP6 640x360, 1 packets, 3 bytes, 0s to 0s; script, 1 packets, 54 bytes, 0s to 0s"},
		{"the configuration knows better", []Tag{{Type: TagVideo, Body: config}, {Type: TagScript, Body: metadata(size...)}},
			"video H.264 176x144, 0 packets, 43 bytes, 0s to 0s; script, 1 packets, 54 bytes, 0s to 0s"},
		{"metadata that cannot be", []Tag{{Type: TagScript, Body: metadata(
			amf.Property{Name: "width", Value: -1.0}, amf.Property{Name: "height", Value: 1e300})}},
			"script, 1 packets, 54 bytes, 0s to 0s"},
		{"duration", []Tag{{Type: TagScript, Body: metadata(amf.Property{Name: "duration", Value: 5e6})}},
			"script, 1 packets, 40 bytes, 0s to 0s; duration 1388h53m20s"},
		{"other scripts", []Tag{{Type: TagScript, Body: script(t, "onCuePoint", amf.Object{{Name: "duration", Value: 1.0}})},
			{Type: TagScript, Body: script(t, "onMetaData")}, {Type: TagScript, Body: []byte{0xff}}, {Type: TagScript}},
			"script, 3 packets, 50 bytes, 0s to 0s"},
		{"audio codecs", []Tag{{Type: TagAudio, Body: unhex("2a")}},
			"audio MP3 22050 Hz, 1 channels, 1 packets, 1 bytes, 0s to 0s"},
		{"HE-AAC", []Tag{{Type: TagAudio, Body: unhex("af00 eb8a0800")}, {Type: TagAudio, Timestamp: 46, Body: unhex("af01 21")}},
			"audio AAC 44100 Hz, 2 channels, 1 packets, 9 bytes, 0s to 46ms"},
		{"timestamps wrap", []Tag{{Type: TagAudio, Timestamp: 0xffffff00, Body: unhex("b2")}, {Type: TagAudio, Timestamp: 0x100, Body: unhex("b2")}},
			"audio Speex 16000 Hz, 1 channels, 2 packets, 2 bytes, 1193h2m47.04s to 1193h2m47.552s"},
		{"Enhanced RTMP counts", []Tag{{Type: TagVideo, Body: unhex("91 68766331 000000")}, {Type: TagAudio, Body: unhex("91 4f707573")}},
			"video H.265, 1 packets, 8 bytes, 0s to 0s; audio Opus 48000 Hz, 1 packets, 5 bytes, 0s to 0s"},
		{"broken configurations", []Tag{{Type: TagVideo, Body: unhex("17 00 000000 ff")}, {Type: TagAudio, Body: unhex("af00 ff")}},
			"video H.264, 0 packets, 6 bytes, 0s to 0s; audio AAC, 0 packets, 3 bytes, 0s to 0s"},
		{"encrypted", []Tag{{Type: TagVideo, Filtered: true, Body: config}, {Type: TagScript, Filtered: true, Body: metadata(size...)}},
			"video, 1 packets, 43 bytes, 0s to 0s; script, 1 packets, 54 bytes, 0s to 0s"},
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

func TestInfoAllocates(t *testing.T) {
	var info Info
	video, audio := Tag{Type: TagVideo, Body: unhex("27 01 000000 aa")}, Tag{Type: TagAudio, Body: unhex("af 01 aa")}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		info.Add(video)
		info.Add(audio)
	}))
}
