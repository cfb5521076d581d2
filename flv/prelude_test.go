package flv_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-librtmp/rtmp/flv"
)

func TestPrelude(t *testing.T) {
	const limit = 128 << 10
	type tag struct {
		kind flv.TagType
		time uint32
		size int
	}
	audio, video, both := flv.FileHeader{HasAudio: true}, flv.FileHeader{HasVideo: true}, flv.FileHeader{HasAudio: true, HasVideo: true}
	for _, c := range []struct {
		name string
		tags []tag // the header becomes known with the last tag
		want flv.FileHeader
	}{
		{"audio and video", []tag{{flv.TagScript, 0, 9}, {flv.TagAudio, 0, 4}, {flv.TagVideo, 0, 9}}, both},
		{"video and audio", []tag{{flv.TagVideo, 0, 9}, {flv.TagVideo, 0, 9}, {flv.TagAudio, 0, 4}}, both},
		{"audio alone", []tag{{flv.TagAudio, 0, 4}, {flv.TagAudio, 0, 4}, {flv.TagAudio, 1, 4}}, audio},
		{"video alone, whose first tag is late", []tag{{flv.TagVideo, 40, 4}}, video},
		{"late metadata", []tag{{flv.TagScript, 5000, 9}, {flv.TagAudio, 0, 4}, {flv.TagScript, 6000, 9}, {flv.TagVideo, 0, 4}}, both},
		{"a lot of audio at time 0", []tag{{flv.TagAudio, 0, limit - 2*flv.TagOverhead}, {flv.TagAudio, 0, 1}}, audio},
		{"metadata and nothing else", []tag{{flv.TagScript, 0, limit - flv.TagOverhead}, {flv.TagScript, 0, 0}}, both},
		{"long metadata", []tag{{flv.TagScript, 0, limit - flv.TagOverhead + 1}}, both},
		{"metadata, then a lot of video", []tag{{flv.TagScript, 0, 9}, {flv.TagVideo, 0, limit}}, video},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p flv.Prelude
			for i, tag := range c.tags {
				assert.Equal(t, i == len(c.tags)-1, p.Add(tag.kind, tag.time, tag.size), "tag %d", i)
			}
			assert.Equal(t, c.want, p.Header())
		})
	}
}

func TestPreludeOfWhatEndsEarly(t *testing.T) {
	var p flv.Prelude
	assert.Zero(t, p.Header())
	assert.False(t, p.Add(flv.TagScript, 0, 9))
	assert.Zero(t, p.Header())
	assert.False(t, p.Add(flv.TagAudio, 0, 9))
	assert.Equal(t, flv.FileHeader{HasAudio: true}, p.Header())
}
