package flv_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
)

func script(t *testing.T, name string, values ...any) flv.Tag {
	t.Helper()
	body, err := flv.AppendScript(nil, name, values...)
	require.NoError(t, err)
	return flv.Tag{Type: flv.TagScript, Body: body}
}

func audio(t *testing.T, h flv.AudioHeader, data string) flv.Tag {
	t.Helper()
	body, err := flv.AppendAudioHeader(nil, h)
	require.NoError(t, err)
	return flv.Tag{Type: flv.TagAudio, Body: append(body, data...)}
}

// list returns the data of a message with many tracks: an empty track for each id.
func list(ids ...byte) (data string) {
	for _, id := range ids {
		data += string([]byte{id, 0, 0, 1, 'x'})
	}
	return data
}

func TestKindOf(t *testing.T) {
	legacy := func(body ...byte) flv.Tag { return flv.Tag{Type: flv.TagVideo, Body: body} }
	sound := func(body ...byte) flv.Tag { return flv.Tag{Type: flv.TagAudio, Body: body} }
	data := func(body string) flv.Tag { return flv.Tag{Type: flv.TagScript, Body: []byte(body)} }
	hevc := flv.VideoHeader{Enhanced: true, FrameType: flv.FrameKey, FourCC: flv.FourCCHEVC}
	with := func(change func(*flv.VideoHeader)) flv.VideoHeader { h := hevc; change(&h); return h }
	opus := flv.AudioHeader{Enhanced: true, FourCC: flv.FourCCOpus}
	withSound := func(change func(*flv.AudioHeader)) flv.AudioHeader { h := opus; change(&h); return h }

	for _, c := range []struct {
		name  string
		tag   flv.Tag
		want  flv.Kind
		track uint8
	}{
		{"AVC configuration", legacy(0x17, 0, 0, 0, 0, 1), flv.KindHeader, 0},
		{"AVC configuration in an inter frame", legacy(0x27, 0, 0, 0, 0, 1), flv.KindHeader, 0},
		{"AVC key frame", legacy(0x17, 1, 0, 0, 0, 1), flv.KindKeyFrame, 0},
		{"AVC inter frame", legacy(0x27, 1, 0, 0, 0, 1), flv.KindFrame, 0},
		{"AVC end of sequence", legacy(0x17, 2, 0, 0, 0), flv.KindFrame, 0},
		{"AVC configuration, cut", legacy(0x17, 0, 0), flv.KindFrame, 0},
		{"AVC key frame, cut", legacy(0x17, 1, 0), flv.KindFrame, 0},
		{"HEVC under a number", legacy(0x1c, 0, 0, 0, 0, 1), flv.KindHeader, 0},
		{"H.263 key frame", legacy(0x12, 0, 0), flv.KindKeyFrame, 0},
		{"H.263 disposable frame", legacy(0x32, 0, 0), flv.KindFrame, 0},
		{"VP6 frame made key by a server", legacy(0x44, 0, 0), flv.KindKeyFrame, 0},
		{"video command", legacy(0x57, 0), flv.KindFrame, 0},
		{"empty video", legacy(), flv.KindFrame, 0},

		{"enhanced configuration", video(t, hevc, "config"), flv.KindHeader, 0},
		{"AV1 configuration of MPEG-2 TS", video(t, with(func(h *flv.VideoHeader) {
			h.FourCC, h.PacketType = flv.FourCCAV1, flv.VideoMPEG2TSSequenceStart
		}), "x"), flv.KindHeader, 0},
		{"colours", video(t, with(func(h *flv.VideoHeader) { h.FrameType, h.PacketType = flv.FrameCommand, flv.VideoMetadata }), "x"),
			flv.KindHeader, 0},
		{"enhanced key frame", video(t, with(func(h *flv.VideoHeader) { h.PacketType = flv.VideoCodedFrames }), "x"), flv.KindKeyFrame, 0},
		{"enhanced key frame without a composition time", video(t, with(func(h *flv.VideoHeader) { h.PacketType = flv.VideoCodedFramesX }),
			"x"), flv.KindKeyFrame, 0},
		{"enhanced inter frame", video(t, with(func(h *flv.VideoHeader) {
			h.FrameType, h.PacketType = flv.FrameInter, flv.VideoCodedFramesX
		}), "x"), flv.KindFrame, 0},
		{"frame type 0, an IRAP picture", video(t, with(func(h *flv.VideoHeader) {
			h.FrameType, h.PacketType = 0, flv.VideoCodedFramesX
		}), "\x00\x00\x00\x03\x26\x01\xaf"), flv.KindKeyFrame, 0},
		{"frame type 0, another picture", video(t, with(func(h *flv.VideoHeader) {
			h.FrameType, h.PacketType = 0, flv.VideoCodedFramesX
		}), "\x00\x00\x00\x03\x02\x01\xaf"), flv.KindFrame, 0},
		{"enhanced end of sequence", video(t, with(func(h *flv.VideoHeader) { h.PacketType = flv.VideoSequenceEnd }), ""), flv.KindFrame, 0},
		{"packet type of the future", video(t, with(func(h *flv.VideoHeader) { h.PacketType = 12 }), "x"), flv.KindFrame, 0},
		{"enhanced, cut", legacy(0x90, 'h', 'v'), flv.KindFrame, 0},

		{"configuration of track 7", video(t, with(func(h *flv.VideoHeader) { h.Multitrack, h.TrackID = true, 7 }), "x"), flv.KindHeader, 7},
		{"key frame of track 7", video(t, with(func(h *flv.VideoHeader) {
			h.Multitrack, h.TrackID, h.PacketType = true, 7, flv.VideoCodedFramesX
		}), "x"), flv.KindKeyFrame, 7},
		{"inter frame of track 255", video(t, with(func(h *flv.VideoHeader) {
			h.Multitrack, h.TrackID, h.PacketType, h.FrameType = true, 255, flv.VideoCodedFramesX, flv.FrameInter
		}), "x"), flv.KindFrame, 255},
		{"configurations of many tracks", video(t, with(func(h *flv.VideoHeader) { h.Multitrack, h.MultitrackType = true, flv.ManyTracks }),
			list(3, 4)), flv.KindHeader, 0},
		{"key frames of many tracks", video(t, with(func(h *flv.VideoHeader) {
			h.Multitrack, h.MultitrackType, h.PacketType = true, flv.ManyTracks, flv.VideoCodedFrames
		}), list(3, 4)), flv.KindKeyFrame, 0},

		{"AAC configuration", sound(0xaf, 0, 0x12, 0x10), flv.KindHeader, 0},
		{"AAC", sound(0xaf, 1, 1), flv.KindAudio, 0},
		{"AAC, cut", sound(0xaf), flv.KindAudio, 0},
		{"MP3", sound(0x2f, 0), flv.KindAudio, 0},
		{"empty audio", sound(), flv.KindAudio, 0},
		{"Opus configuration", audio(t, opus, "x"), flv.KindHeader, 0},
		{"Opus", audio(t, withSound(func(h *flv.AudioHeader) { h.PacketType = flv.AudioCodedFrames }), "x"), flv.KindAudio, 0},
		{"enhanced end of sound", audio(t, withSound(func(h *flv.AudioHeader) { h.PacketType = flv.AudioSequenceEnd }), ""), flv.KindAudio, 0},
		{"order of channels", audio(t, withSound(func(h *flv.AudioHeader) { h.PacketType = flv.AudioMultichannelConfig }), "x"),
			flv.KindHeader, 0},
		{"configuration of audio track 2", audio(t, withSound(func(h *flv.AudioHeader) { h.Multitrack, h.TrackID = true, 2 }), "x"),
			flv.KindHeader, 2},
		{"audio of track 2", audio(t, withSound(func(h *flv.AudioHeader) {
			h.Multitrack, h.TrackID, h.PacketType = true, 2, flv.AudioCodedFrames
		}), "x"), flv.KindAudio, 2},
		{"enhanced audio, cut", sound(0x90, 'O'), flv.KindAudio, 0},

		{"metadata", script(t, "onMetaData", map[string]any{"duration": 1.0}), flv.KindHeader, 0},
		{"metadata as published", script(t, "@setDataFrame", "onMetaData", map[string]any{"duration": 1.0}), flv.KindHeader, 0},
		{"metadata with a long string for a name", data("\x0c\x00\x00\x00\x0aonMetaData\x05"), flv.KindHeader, 0},
		{"metadata with a damaged value", data("\x02\x00\x0aonMetaData\x08\x00"), flv.KindHeader, 0},
		{"metadata of no value", script(t, "onMetaData"), flv.KindHeader, 0},
		{"cue point", script(t, "onCuePoint"), flv.KindData, 0},
		{"a name that begins so", script(t, "onMetaDatas"), flv.KindData, 0},
		{"cleared metadata", script(t, "@clearDataFrame", "onMetaData"), flv.KindData, 0},
		{"name cut", data("\x02\x00\x0aonMeta"), flv.KindData, 0},
		{"length of the name cut", data("\x02\x00"), flv.KindData, 0},
		{"long name cut", data("\x0c\xff\xff\xff\xffonMetaData"), flv.KindData, 0},
		{"@setDataFrame alone", script(t, "@setDataFrame"), flv.KindData, 0},
		{"no name", data("\x05"), flv.KindData, 0},
		{"empty data", data(""), flv.KindData, 0},
		{"another type of tag", flv.Tag{Type: 15, Body: script(t, "onMetaData").Body}, flv.KindData, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind, track := flv.KindOf(c.tag)
			assert.Equal(t, c.want, kind, "%v", kind)
			assert.Equal(t, c.track, track)
			assert.Equal(t, c.want == flv.KindHeader, flv.IsHeader(c.tag))
			assert.Equal(t, c.want == flv.KindHeader, new(flv.Headers).Keep(c.tag))
		})
	}
}

func TestKindOfAllocatesNothing(t *testing.T) {
	h := flv.VideoHeader{Enhanced: true, Multitrack: true, MultitrackType: flv.ManyTracks, FourCC: flv.FourCCHEVC,
		PacketType: flv.VideoCodedFramesX}
	unsaid := video(t, h, list(1, 2)) // every track is inspected
	for _, tag := range []flv.Tag{
		unsaid,
		{Type: flv.TagVideo, Body: []byte{0x17, 1, 0, 0, 0, 1}},
		{Type: flv.TagAudio, Body: []byte{0xaf, 1, 1}},
		script(t, "@setDataFrame", "onMetaData", map[string]any{"duration": 1.0}),
	} {
		assert.Zero(t, testing.AllocsPerRun(10, func() { flv.KindOf(tag) }), "%v", tag)
	}
}

func TestHeaderSubject(t *testing.T) {
	metadata := flv.Tag{Type: flv.TagScript, Body: script(t, "onMetaData", map[string]any{"duration": 1.0}).Body[:14]} // the beginning of the body is enough
	avc := flv.Tag{Type: flv.TagVideo, Body: []byte{0x17, 0, 0, 0, 0, 1}}
	aac := flv.Tag{Type: flv.TagAudio, Body: []byte{0xaf, 0, 0x12}}
	seen := map[flv.Subject]bool{}
	for _, tag := range []flv.Tag{metadata, avc, aac} {
		s, ok := flv.HeaderSubject(tag)
		require.True(t, ok)
		seen[s] = true
	}
	require.Len(t, seen, 3)
	newer, ok := flv.HeaderSubject(flv.Tag{Type: flv.TagVideo, Timestamp: 5, Body: []byte{0x17, 0, 0, 0, 0, 2}})
	require.True(t, ok)
	require.True(t, seen[newer])
	_, ok = flv.HeaderSubject(flv.Tag{Type: flv.TagVideo, Body: []byte{0x17, 1, 0, 0, 0, 1}})
	require.False(t, ok)
}
