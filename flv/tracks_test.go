package flv

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// videoTracks formats the tracks that Tracks yields.
func videoTracks(t *testing.T, body string) (got []string) {
	t.Helper()
	h, err := ParseVideoHeader(unhex(body))
	require.NoError(t, err)
	for track, err := range h.Tracks() {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, fmt.Sprintf("%d %v %v %d ms %x", track.TrackID, track.FourCC, track.PacketType, track.CompositionTime, track.Data))
	}
	return got
}

func TestVideoTracks(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"empty", "", nil},
		{"old form", "17 01 000050 aa", []string{"0 avc1 1 80 ms aa"}},
		{"no multitrack", "91 68766331 000050 aa", []string{"0 hvc1 1 80 ms aa"}},
		{"one track", "96 01 68766331 07 000050 aa", []string{"7 hvc1 1 80 ms aa"}},
		{"many tracks", "96 11 68766331 00 000004 000050 aa 09 000005 ffffff bbcc",
			[]string{"0 hvc1 1 80 ms aa", "9 hvc1 1 -1 ms bbcc"}},
		{"many tracks without composition time", "96 13 68766331 01 000001 aa", []string{"1 hvc1 3 0 ms aa"}},
		{"many codecs", "96 21 68766331 00 000004 000050 aa 61763031 01 000001 bb",
			[]string{"0 hvc1 1 80 ms aa", "1 av01 1 0 ms bb"}},
		{"configurations", "96 20 68766331 00 000001 aa 61763031 ff 000000", []string{"0 hvc1 0 0 ms aa", "255 av01 0 0 ms "}},
		{"the same track twice", "96 13 68766331 01 000000 01 000000", []string{"1 hvc1 3 0 ms ", "1 hvc1 3 0 ms "}},
		{"none", "96 21", nil},

		{"layout not known", "96 31 aabb", []string{"flv: offset 0: unknown multitrack type: 0x3"}},
		{"head cut", "96 13 68766331 00 000000 01 0000", []string{"0 hvc1 3 0 ms ",
			"flv: offset 4: ends inside header of a track, bytes missing: 1: unexpected EOF"}},
		{"head with codec cut", "96 23 68766331 00 000000 61", []string{"0 hvc1 3 0 ms ",
			"flv: offset 8: ends inside header of a track, bytes missing: 7: unexpected EOF"}},
		{"data cut", "96 13 68766331 00 ffffff aa", []string{"flv: offset 0: ends inside a track, bytes missing: 16777214: unexpected EOF"}},
		{"composition time cut, next track whole", "96 11 68766331 00 000002 0000 01 000003 000001",
			[]string{"flv: offset 4: ends inside composition time, bytes missing: 1: unexpected EOF", "1 hvc1 1 1 ms "}},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, videoTracks(t, c.body)) })
	}
}

// TestVideoTrackAlone checks that a track from a list can be sent as a separate message, including its modifiers.
func TestVideoTrackAlone(t *testing.T) {
	h, err := ParseVideoHeader(unhex("97 02 000001 06 21 68766331 03 000004 000050 aa"))
	require.NoError(t, err)
	for track, err := range h.Tracks() {
		require.NoError(t, err)
		assert.True(t, track.IsKeyFrame())
		b, err := AppendVideoHeader(nil, track)
		require.NoError(t, err)
		assert.Equal(t, unhex("97 02 000001 06 01 68766331 03 000050 aa"), append(b, track.Data...))
	}
}

func TestVideoTracksStop(t *testing.T) {
	h, err := ParseVideoHeader(unhex("96 13 68766331 00 000000 01 000000"))
	require.NoError(t, err)
	n := 0
	for range h.Tracks() {
		n++
		break
	}
	assert.Equal(t, 1, n)
}

func TestAudioTracks(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"empty", "", nil},
		{"old form", "af 01 aa", []string{"0 mp4a 1 aa"}},
		{"no multitrack", "91 4f707573 aa", []string{"0 Opus 1 aa"}},
		{"one track", "95 01 4f707573 07 aa", []string{"7 Opus 1 aa"}},
		{"many tracks", "95 11 4f707573 00 000001 aa 09 000002 bbcc", []string{"0 Opus 1 aa", "9 Opus 1 bbcc"}},
		{"many codecs", "95 20 4f707573 00 000000 6d703461 01 000002 1210", []string{"0 Opus 0 ", "1 mp4a 0 1210"}},
		{"layout not known", "95 f1", []string{"flv: offset 0: unknown multitrack type: 0xf"}},
		{"data cut", "95 11 4f707573 00 000001 aa 09 000002 bb",
			[]string{"0 Opus 1 aa", "flv: offset 5: ends inside a track, bytes missing: 1: unexpected EOF"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := ParseAudioHeader(unhex(c.body))
			require.NoError(t, err)
			var got []string
			for track, err := range h.Tracks() {
				if err != nil {
					got = append(got, err.Error())
					continue
				}
				got = append(got, fmt.Sprintf("%d %v %v %x", track.TrackID, track.FourCC, track.PacketType, track.Data))
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestAppendTrack(t *testing.T) {
	video := VideoHeader{Enhanced: true, FrameType: FrameKey, FourCC: FourCCHEVC, PacketType: VideoCodedFrames,
		Multitrack: true, MultitrackType: ManyTracks}
	b, err := AppendVideoHeader(nil, video)
	require.NoError(t, err)
	b, err = video.AppendTrack(b, VideoHeader{CompositionTime: 80, Data: []byte{0xaa}})
	require.NoError(t, err)
	b, err = video.AppendTrack(b, VideoHeader{TrackID: 9, FourCC: FourCCAV1, CompositionTime: -1, Data: []byte{0xbb, 0xcc}})
	require.NoError(t, err)
	assert.Equal(t, unhex("96 11 68766331 00 000004 000050 aa 09 000005 ffffff bbcc"), b, "all tracks have the codec of the message")

	video.MultitrackType = ManyTracksManyCodecs
	b, err = AppendVideoHeader(nil, video)
	require.NoError(t, err)
	b, err = video.AppendTrack(b, VideoHeader{FourCC: FourCCHEVC, Data: []byte{0xaa}})
	require.NoError(t, err)
	b, err = video.AppendTrack(b, VideoHeader{FourCC: FourCCAV1, TrackID: 1, Data: []byte{0xbb}})
	require.NoError(t, err)
	assert.Equal(t, unhex("96 21 68766331 00 000004 000000 aa 61763031 01 000001 bb"), b)

	audio := AudioHeader{Enhanced: true, PacketType: AudioCodedFrames, Multitrack: true, MultitrackType: ManyTracksManyCodecs}
	b, err = AppendAudioHeader(nil, audio)
	require.NoError(t, err)
	b, err = audio.AppendTrack(b, AudioHeader{FourCC: FourCCOpus, TrackID: 255, Data: []byte{0xaa}})
	require.NoError(t, err)
	assert.Equal(t, unhex("95 21 4f707573 ff 000001 aa"), b)
}

func TestAppendLongestTrack(t *testing.T) {
	list := AudioHeader{Multitrack: true, MultitrackType: ManyTracks}
	b, err := list.AppendTrack(nil, AudioHeader{Data: make([]byte, MaxBodySize)})
	require.NoError(t, err)
	assert.Equal(t, unhex("00 ffffff"), b[:4])
	assert.Len(t, b, 4+MaxBodySize)
}

func TestAppendTrackMalformed(t *testing.T) {
	list := VideoHeader{Enhanced: true, FourCC: FourCCHEVC, PacketType: VideoCodedFrames, Multitrack: true, MultitrackType: ManyTracks}
	single, frameX := list, list
	single.MultitrackType = OneTrack
	frameX.PacketType = VideoCodedFramesX
	for _, c := range []struct {
		name  string
		h     VideoHeader
		track VideoHeader
		want  string
	}{
		{"one track", single, VideoHeader{}, "multitrack type has no list of tracks: 0x0"},
		{"composition time", list, VideoHeader{CompositionTime: 1 << 23}, "composition time has more than 24 bits: 8388608"},
		{"no composition time", frameX, VideoHeader{CompositionTime: 1}, "composition time in a packet without one: 1"},
		{"too long", list, VideoHeader{Data: make([]byte, MaxBodySize-2)}, "track is longer than a message: 16777216"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := c.h.AppendTrack([]byte("x"), c.track)
			requireError(t, err, "flv: offset 0: "+c.want)
			assert.Equal(t, []byte("x"), b)
		})
	}
	b, err := AudioHeader{}.AppendTrack([]byte("x"), AudioHeader{})
	requireError(t, err, "flv: offset 0: multitrack type has no list of tracks: 0x0")
	assert.Equal(t, []byte("x"), b)
}
