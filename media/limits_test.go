package media

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// Mutation testing (see CONTRIBUTING.md) makes changes that no test notices. Some of them have no effect:
//   - codec.go: the comparison with firstFourCC, which is not the number of a codec.
//   - demux.go, outtrack.go, metadata.go: comparisons with a size, rate or number of channels of 0, which means unknown.
//   - picture.go: types of NAL units that an earlier case handles; two comparisons that are symmetric in two slices; an
//     Exp-Golomb number with as many bits as there are, which can't occur, since its length is odd.
//   - mistakes.go, writer.go: a frame of no bytes, and a configuration of no bytes, which an earlier condition has excluded.
//   - accessunits.go, adtsscanner.go: how often the same bytes are examined, and the size of the buffer.

func TestLimits(t *testing.T) {
	before := parts("ff")
	for name, units := range map[string]func() ([][]byte, error){
		"Annex B": func() ([][]byte, error) { return SplitAnnexB(before, bytes.Repeat(unhex("00000167"), maxUnits)) },
		"AVCC":    func() ([][]byte, error) { return SplitAVCC(before, bytes.Repeat(unhex("0000000167"), maxUnits), 4) },
		"OBUs":    func() ([][]byte, error) { return SplitOBUs(before, bytes.Repeat(unhex("1200"), maxUnits)) },
	} {
		got, err := units()
		require.NoError(t, err, name)
		assert.Len(t, got, 1+maxUnits, name)
	}

	track := Track{Codec: 'n'<<24 | 'e'<<16 | 'w'<<8 | '1'}
	_, err := track.configure(make([]byte, maxConfig))
	require.NoError(t, err)

	const longest = flv.MaxBodySize - headroom
	var tracks []*Track
	for id := range maxTracks {
		tracks = append(tracks, &Track{Codec: Opus, ID: uint8(id)})
	}
	w := NewWriter(new(recorder), tracks...)
	require.NoError(t, w.WriteOpus(tracks[0], 0, make([]byte, longest)))
	require.Error(t, w.WriteOpus(tracks[0], 0, make([]byte, longest+1)))

	video := &Track{Codec: H264, ParameterSets: avcSets}
	w = NewWriter(new(recorder), video)
	nalu := make([]byte, longest-4)
	nalu[0] = 0x65
	require.NoError(t, w.WriteH264(video, 0, 0, [][]byte{nalu}))
	require.Error(t, w.WriteH264(video, ms, ms, [][]byte{append(nalu, 1)}))
}

// TestConfigurationsOfWhatIsKnown checks which configurations can be made from what the caller has set.
func TestConfigurationsOfWhatIsKnown(t *testing.T) {
	opus := func(channels int) []byte {
		b, err := flv.AppendOpusHead(nil, flv.OpusHead{Channels: channels})
		require.NoError(t, err)
		return b
	}
	for _, test := range []struct {
		track Track
		want  []byte
	}{
		{Track{Codec: AAC, SampleRate: 48000, Channels: 2}, unhex("1190")},
		{Track{Codec: AAC, SampleRate: 48000}, nil},
		{Track{Codec: AAC, Channels: 2}, nil},
		{Track{Codec: Opus}, opus(2)},
		{Track{Codec: Opus, Channels: 1}, opus(1)},
		{Track{Codec: Opus, Channels: 2}, opus(2)},
		{Track{Codec: Opus, Channels: 3}, nil},
	} {
		got, err := test.track.config()
		require.NoError(t, err)
		assert.Equal(t, test.want, got, "%+v", test.track)
	}
}

func TestTimestampOffsetIsAdded(t *testing.T) {
	r := recorder{packets: []message.Packet{{Type: message.TypeVideo, Timestamp: 40, Body: append(unhex("97 02 0003e8 01 76703039"), vp9Key...)}}}
	var u Unit
	require.NoError(t, NewReader(&r).Read(&u))
	assert.Equal(t, 40*ms, u.DTS)
	assert.Equal(t, 40*ms+time.Microsecond, u.PTS)
}
