package flv_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

func video(t *testing.T, h flv.VideoHeader, data string) flv.Tag {
	t.Helper()
	body, err := flv.AppendVideoHeader(nil, h)
	require.NoError(t, err)
	return flv.Tag{Type: flv.TagVideo, Body: append(body, data...)}
}

func TestHeadersKeepTheLatestOfEachTrack(t *testing.T) {
	start := flv.VideoHeader{Enhanced: true, FrameType: flv.FrameKey, FourCC: flv.FourCCHEVC}
	second := start
	second.Multitrack, second.TrackID = true, 1
	frame := start
	frame.PacketType = flv.VideoCodedFramesX
	script, err := flv.AppendScript(nil, "onMetaData", "first")
	require.NoError(t, err)
	cue, err := flv.AppendScript(nil, "onCuePoint")
	require.NoError(t, err)

	var headers flv.Headers
	first := video(t, start, "first")
	for _, tag := range []flv.Tag{
		first, video(t, second, "of track 1"), {Type: flv.TagScript, Body: script},
		{Type: flv.TagAudio, Body: []byte{0xaf, 0, 0x12, 0x10}}, video(t, start, "later"),
	} {
		assert.True(t, headers.Keep(tag))
		assert.True(t, flv.IsHeader(tag))
	}
	for _, tag := range []flv.Tag{
		video(t, frame, "picture"), {Type: flv.TagAudio, Body: []byte{0xaf, 1, 2}}, {Type: flv.TagScript, Body: cue},
		{Type: flv.TagVideo}, {Type: flv.TagAudio, Body: []byte{0x90}}, {Type: 15, Body: script},
	} {
		assert.False(t, headers.Keep(tag), "%v", tag)
	}
	got := slices.Collect(headers.All())
	require.Len(t, got, 4)
	assert.Equal(t, video(t, start, "later"), got[0], "the header replaces the first one")
	assert.Equal(t, video(t, second, "of track 1"), got[1])
	assert.Equal(t, []flv.TagType{flv.TagScript, flv.TagAudio}, []flv.TagType{got[2].Type, got[3].Type})

	first.Body[5] ^= 0xff
	assert.Equal(t, video(t, start, "later"), got[0], "copied")
}

// TestHeadersHaveOneConfigurationOfATrack checks that a configuration replaces one that has the form of MPEG-2 TS. Otherwise a player that
// joins later would get both, possibly the old one last.
func TestHeadersHaveOneConfigurationOfATrack(t *testing.T) {
	start := flv.VideoHeader{Enhanced: true, FrameType: flv.FrameKey, FourCC: flv.FourCCHEVC}
	ts := flv.VideoHeader{Enhanced: true, FrameType: flv.FrameKey, FourCC: flv.FourCCAV1, PacketType: flv.VideoMPEG2TSSequenceStart}
	var headers flv.Headers
	for _, tag := range []flv.Tag{video(t, start, "a"), video(t, ts, "b"), video(t, start, "a")} {
		assert.False(t, headers.Has(tag))
		headers.Keep(tag)
		assert.Equal(t, []flv.Tag{tag}, slices.Collect(headers.All()))
	}
}

// TestHeadersOfListsAndSingleTracks checks that the newest configuration of a track is the last one, although a list of tracks and the header
// of a single track are kept side by side, and that a header that a list has made invalid counts as new when it comes back.
func TestHeadersOfListsAndSingleTracks(t *testing.T) {
	start := flv.VideoHeader{Enhanced: true, FrameType: flv.FrameKey, FourCC: flv.FourCCHEVC}
	several := start
	several.Multitrack, several.MultitrackType = true, flv.ManyTracks
	list := video(t, several, "\x00\x00\x00\x01b"+"\x01\x00\x00\x01c")
	a, d := video(t, start, "a"), video(t, start, "d")
	sound := flv.Tag{Type: flv.TagAudio, Body: []byte{0xaf, 0, 0x12, 0x10}}

	var headers flv.Headers
	for _, tag := range []flv.Tag{a, sound, list, d} {
		assert.False(t, headers.Has(tag))
		headers.Keep(tag)
		assert.True(t, headers.Has(tag))
	}
	assert.Equal(t, []flv.Tag{sound, list, d}, slices.Collect(headers.All()))
	assert.False(t, headers.Has(list), "the later header has replaced a track of the list")
	headers.Keep(list)
	assert.Equal(t, []flv.Tag{sound, d, list}, slices.Collect(headers.All()))
	assert.False(t, headers.Has(d), "the list has replaced the header")
	assert.True(t, headers.Has(list))
	assert.True(t, headers.Has(sound))
}

func TestHeadersAreBounded(t *testing.T) {
	var headers flv.Headers
	for track := range 256 {
		assert.True(t, headers.Keep(video(t, flv.VideoHeader{Enhanced: true, FrameType: flv.FrameKey, FourCC: flv.FourCCAV1,
			Multitrack: true, TrackID: uint8(track)}, "")))
	}
	assert.Len(t, slices.Collect(headers.All()), 64)
}

func TestHeadersAreBoundedInBytes(t *testing.T) {
	var headers flv.Headers
	start := flv.VideoHeader{Enhanced: true, FrameType: flv.FrameKey, FourCC: flv.FourCCHEVC}
	second := start
	second.Multitrack, second.TrackID = true, 1
	half := string(make([]byte, 2<<20))
	small := video(t, start, "small")
	assert.True(t, headers.Keep(small))
	assert.True(t, headers.Keep(video(t, second, half)))
	assert.True(t, headers.Keep(video(t, second, half)), "the header replaces an equal one")
	assert.Equal(t, 2, len(slices.Collect(headers.All())))
	assert.True(t, headers.Has(small))
	assert.True(t, headers.Keep(video(t, start, half)))
	assert.False(t, headers.Has(small), "the old header is no longer valid")
	assert.Len(t, slices.Collect(headers.All()), 1)
	assert.True(t, headers.Keep(small))
	assert.True(t, headers.Has(small))
	assert.False(t, headers.Has(video(t, start, "other")))
	assert.False(t, headers.Has(flv.Tag{Type: flv.TagAudio, Body: []byte{0xaf, 1, 2}}))

	headers = flv.Headers{}
	whole := video(t, start, "")
	whole.Body = append(whole.Body, make([]byte, 4<<20-len(whole.Body))...)
	for range 3 { // each replaces the previous one
		assert.True(t, headers.Keep(whole))
		assert.True(t, headers.Has(whole))
	}
	whole.Body = append(whole.Body, 0)
	assert.True(t, headers.Keep(whole))
	assert.Empty(t, slices.Collect(headers.All()))
}
