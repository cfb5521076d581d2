package media

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/amf"
	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// TestPropertiesOfAudio checks which properties a Reader takes from each frame, and which from the configuration alone.
func TestPropertiesOfAudio(t *testing.T) {
	mono, err := flv.AppendOpusHead(nil, flv.OpusHead{Channels: 1})
	require.NoError(t, err)
	type properties struct {
		rate, channels, size int
		changed              bool
	}
	opus := message.Packet{Type: message.TypeAudio, Body: append(unhex("90 4f707573"), mono...)}
	for name, c := range map[string]struct {
		packets []message.Packet
		want    []properties
	}{
		"PCM that changes": {[]message.Packet{audioPacket(0, "38 80"), audioPacket(0, "38 81"), audioPacket(0, "3f 80808080")},
			[]properties{{22050, 1, 8, true}, {22050, 1, 8, false}, {44100, 2, 16, true}}},
		"Opus with one channel": {[]message.Packet{opus, audioPacket(0, "91 4f707573 fc"), audioPacket(0, "91 4f707573 fc")},
			[]properties{{48000, 1, 0, true}, {48000, 1, 0, false}}},
		"Opus with an empty configuration": {[]message.Packet{audioPacket(0, "90 4f707573"), audioPacket(0, "91 4f707573 fc")},
			[]properties{{48000, 2, 0, true}}},
		"AAC": {[]message.Packet{audioPacket(0, "af00 1208"), audioPacket(0, "af01 21")}, []properties{{44100, 1, 0, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			reader := NewReader(&recorder{packets: c.packets})
			for _, want := range c.want {
				var u Unit
				require.NoError(t, reader.Read(&u))
				assert.Equal(t, want, properties{u.Track.SampleRate, u.Track.Channels, u.Track.SampleSize, u.Changed})
			}
		})
	}
}

// TestEmptyFrames checks that a message without data is not a unit, whatever its codec.
func TestEmptyFrames(t *testing.T) {
	assert.Empty(t, readAll(t, NewReader(&recorder{packets: []message.Packet{
		videoPacket(0, "12"), audioPacket(0, "b2"), videoPacket(0, "91 76703039"), audioPacket(0, "91 4f707573"),
	}})))
}

// TestAV1WithoutSequenceHeader checks that frames of AV1 are skipped until a sequence header has come, even if a configuration without one
// has come before.
func TestAV1WithoutSequenceHeader(t *testing.T) {
	r := recorder{packets: []message.Packet{
		videoPacket(0, "90 61763031 81000c00"), videoPacket(0, "a1 61763031 3204 3000a0b0"),
		videoPacket(0, "91 61763031"+sequenceHeader+"3206 1400a0b010b4"),
	}}
	assert.Equal(t, []unit{{"video track 0 (AV1)", 0, 0, true, true, av1Key}}, readAll(t, NewReader(&r)))
}

func TestVVCConfiguration(t *testing.T) {
	track := Track{Codec: H266}
	size, err := track.configure(unhex("fb 0011 5f 01 02 43 80 00 0780 0438 0000 00"))
	require.NoError(t, err)
	assert.Equal(t, 2, size)
	assert.Equal(t, [2]int{1920, 1080}, [2]int{track.Width, track.Height})
	assert.Equal(t, byte(0xff), track.Config[0], "lengths of four bytes")
}

// TestMostParameterSets checks that a configuration may have maxSets parameter sets.
func TestMostParameterSets(t *testing.T) {
	three, err := H265.configOf(hevcSets, nil)
	require.NoError(t, err)
	for n, valid := range map[int]bool{maxSets: true, maxSets + 1: false} {
		config := bytes.Clone(three)
		for left := n - 3; left > 0; left -= 64 { // arrays of at most 64 PPS
			array := min(left, 64)
			config = append(config, hevcPPS, 0, byte(array))
			config = append(config, bytes.Repeat([]byte{0, 1, hevcPPS << 1}, array)...)
			config[22]++
		}
		_, err = (&Track{Codec: H265}).configure(config)
		if valid {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "more than 400 sets")
		}
	}
}

// TestSetsOfOldConfiguration checks that parameter sets of a kind that a key frame lacks are taken from the old configuration.
func TestSetsOfOldConfiguration(t *testing.T) {
	config, err := H264.configOf(avcSets2[:1], avcSets)
	require.NoError(t, err)
	track := Track{Codec: H264}
	_, err = track.configure(config)
	require.NoError(t, err)
	assert.Equal(t, [][]byte{avcSets2[0], avcSets[1]}, track.ParameterSets)
}

// TestHeadersOfIncompleteTracks checks what WriteHeaders writes for tracks of which something is unknown or not needed.
func TestHeadersOfIncompleteTracks(t *testing.T) {
	for name, c := range map[string]struct {
		track    Track
		form     HeaderForm
		metadata amf.ECMAArray
	}{
		"AAC without a configuration": {Track{Codec: AAC}, HeadersAuto, amf.ECMAArray{{Name: "audiocodecid", Value: 10.0}}},
		"MP3, enhanced": {Track{Codec: MP3, Channels: 1}, HeadersEnhanced,
			amf.ECMAArray{{Name: "audiochannels", Value: 1.0}, {Name: "stereo", Value: false}, {Name: "audiocodecid", Value: float64(flv.FourCCMP3)}}},
		"H.264 without a configuration": {Track{Codec: H264}, HeadersAuto, amf.ECMAArray{{Name: "videocodecid", Value: 7.0}}},
	} {
		t.Run(name, func(t *testing.T) {
			var r recorder
			w := NewWriter(&r, &c.track)
			w.Headers = c.form
			require.NoError(t, w.WriteHeaders())
			require.Len(t, r.packets, 1, "metadata alone")
			_, values, err := flv.ParseScript(r.packets[0].Body)
			require.NoError(t, err)
			assert.Equal(t, []any{c.metadata}, values)
		})
	}
}

// TestGivenConfigurationStays checks that a Writer keeps a configuration of VP9 that the caller has set, instead of making one from a key
// frame.
func TestGivenConfigurationStays(t *testing.T) {
	var r recorder
	video := &Track{Codec: VP9, Config: unhex("01000000 010203")}
	w := NewWriter(&r, video)
	for range 2 {
		require.NoError(t, w.WriteVP9(video, 0, vp9Key))
	}
	bodies := r.bodies(message.TypeVideo)
	assert.Equal(t, append(unhex("90 76703039"), video.Config...), bodies[0])
	tracks, err := NewReader(&r).Tracks(context.Background())
	require.NoError(t, err)
	assert.Equal(t, video.Config, tracks[0].Config)
	assert.Equal(t, [2]int{322, 182}, [2]int{tracks[0].Width, tracks[0].Height})
}

// TestCloseEndsEachTrack checks that Close writes the end of each track, and returns the error of a write.
func TestCloseEndsEachTrack(t *testing.T) {
	f := &failing{}
	w := NewWriter(f, &Track{Codec: H265, ParameterSets: hevcSets}, &Track{Codec: Opus}, &Track{Codec: MP3}, &Track{Codec: ALaw, ID: 0})
	require.NoError(t, w.Close(), "nothing was written")
	require.Empty(t, f.packets)
	w = NewWriter(f, &Track{Codec: H265, ParameterSets: hevcSets}, &Track{Codec: Opus})
	require.NoError(t, w.WriteHeaders())
	f.packets, f.left = nil, 1
	require.Equal(t, errFull, w.Close())
	require.NoError(t, w.Close())
	assert.Equal(t, [][]byte{unhex("92 68766331")}, f.bodies(message.TypeVideo))
	assert.Equal(t, [][]byte{unhex("92 4f707573")}, f.bodies(message.TypeAudio))
}
