package flv_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/flv"
)

func TestPrelude(t *testing.T) {
	const limit = 128 << 10
	avcHeader, aacHeader := []byte{0x17, 0, 0, 0, 0, 1}, []byte{0xaf, 0, 0x12, 0x10}
	type tag struct {
		kind flv.TagType
		time uint32
		size int
		body []byte
	}
	audio, video, both := flv.FileHeader{HasAudio: true}, flv.FileHeader{HasVideo: true}, flv.FileHeader{HasAudio: true, HasVideo: true}
	for _, c := range []struct {
		name string
		tags []tag // the header becomes known with the last tag
		want flv.FileHeader
	}{
		{"audio and video", []tag{{flv.TagScript, 0, 9, nil}, {flv.TagAudio, 0, 4, nil}, {flv.TagVideo, 0, 9, nil}}, both},
		{"video and audio", []tag{{flv.TagVideo, 0, 9, nil}, {flv.TagVideo, 0, 9, nil}, {flv.TagAudio, 0, 4, nil}}, both},
		{"audio alone", []tag{{flv.TagAudio, 0, 4, nil}, {flv.TagAudio, 0, 4, nil}, {flv.TagAudio, 1, 4, nil}}, audio},
		{"video alone, whose first tag is late", []tag{{flv.TagVideo, 40, 4, nil}}, video},
		{"a live stream", []tag{{flv.TagVideo, 5000, 9, avcHeader}, {flv.TagAudio, 5000, 4, aacHeader}}, both},
		{"live video", []tag{{flv.TagVideo, 5000, 9, avcHeader}, {flv.TagVideo, 5000, 9, nil}}, video},
		{"late metadata", []tag{{flv.TagScript, 5000, 9, nil}, {flv.TagAudio, 0, 4, nil}, {flv.TagScript, 6000, 9, nil}, {flv.TagVideo, 0, 4, nil}}, both},
		{"a lot of audio at time 0", []tag{{flv.TagAudio, 0, limit - 2*flv.TagOverhead, nil}, {flv.TagAudio, 0, 1, nil}}, audio},
		{"metadata and nothing else", []tag{{flv.TagScript, 0, limit - flv.TagOverhead, nil}, {flv.TagScript, 0, 0, nil}}, both},
		{"long metadata", []tag{{flv.TagScript, 0, limit - flv.TagOverhead + 1, nil}}, both},
		{"metadata, then a lot of video", []tag{{flv.TagScript, 0, 9, nil}, {flv.TagVideo, 0, limit, nil}}, video},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p flv.Prelude
			for i, tag := range c.tags {
				assert.Equal(t, i == len(c.tags)-1, p.Add(flv.Tag{Type: tag.kind, Timestamp: tag.time, Body: tag.body}, tag.size), "tag %d", i)
			}
			assert.Equal(t, c.want, p.Header())
		})
	}
}

func TestPreludeOfWhatEndsEarly(t *testing.T) {
	var p flv.Prelude
	assert.Zero(t, p.Header())
	assert.False(t, p.Add(flv.Tag{Type: flv.TagScript}, 9))
	assert.Zero(t, p.Header())
	assert.False(t, p.Add(flv.Tag{Type: flv.TagAudio}, 9))
	assert.Equal(t, flv.FileHeader{HasAudio: true}, p.Header())
}
