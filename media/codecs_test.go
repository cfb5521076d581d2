package media

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/message"
)

// TestCodecs writes and reads each codec: with the headers of Enhanced RTMP, with those of FLV, and as a second track.
func TestCodecs(t *testing.T) {
	opus, err := flv.AppendOpusHead(nil, flv.OpusHead{Channels: 2})
	require.NoError(t, err)
	flac, err := flv.AppendFLACConfig(nil, flacInfo)
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		track  Track
		want   Track // the Reader's track; Config and ParameterSets are compared if set
		units  [][][]byte
		first  string // how the message of the second unit begins
		legacy string // like first, but with HeadersLegacy; empty if writing must fail
	}{
		{"H.264", Track{Codec: H264, ParameterSets: avcSets}, Track{Width: 320, Height: 180, ParameterSets: avcSets},
			[][][]byte{parts("6588"), parts("4188")}, "27 01 000000", "27 01 000000"},
		{"H.264 in band", Track{Codec: H264}, Track{Width: 320, Height: 180, ParameterSets: avcSets},
			[][][]byte{append(avcSets[:2:2], parts("6588")...), parts("4188")}, "27 01 000000", "27 01 000000"},
		{"H.265", Track{Codec: H265, ParameterSets: hevcSets}, Track{Width: 322, Height: 182, ParameterSets: hevcSets},
			[][][]byte{parts("2601aa"), parts("0201bb")}, "a3 68766331", "2c 01 000000"},
		{"AV1", Track{Codec: AV1}, Track{Width: 322, Height: 182, ParameterSets: parts(sequenceHeader)},
			[][][]byte{av1Key, av1Inter}, "a1 61763031", "2d 01 000000"},
		{"VP8", Track{Codec: VP8}, Track{Width: 322, Height: 182}, [][][]byte{{vp8Key}, parts("3159")}, "a1 76703038", ""},
		{"VP9", Track{Codec: VP9}, Track{Width: 322, Height: 182}, [][][]byte{{vp9Key}, {vp9Inter}}, "a1 76703039", ""},
		{"AAC", Track{Codec: AAC, Config: unhex("1190")}, Track{SampleRate: 48000, Channels: 2, Config: unhex("1190")},
			[][][]byte{parts("21"), parts("22")}, "af 01 22", "af 01 22"},
		{"MP3", Track{Codec: MP3}, Track{SampleRate: 48000, Channels: 1}, [][][]byte{{mp3Frame}, {mp3Frame}}, "2e", "2e"},
		{"Opus", Track{Codec: Opus, Config: opus}, Track{SampleRate: 48000, Channels: 2, Config: opus},
			[][][]byte{parts("fc01"), parts("fc02")}, "91 4f707573", "df"},
		{"FLAC", Track{Codec: FLAC, Config: flacInfo}, Track{SampleRate: 48000, Channels: 2, SampleSize: 16, Config: flac},
			[][][]byte{parts("fff801"), parts("fff802")}, "91 664c6143", ""},
		{"AC-3", Track{Codec: AC3}, Track{SampleRate: 48000, Channels: 6}, [][][]byte{{ac3Frame}, {ac3Frame}}, "91 61632d33", ""},
		{"E-AC-3", Track{Codec: EAC3}, Track{SampleRate: 48000, Channels: 6}, [][][]byte{{eac3Frame}, {eac3Frame}}, "91 65632d33", ""},
		{"A-law", Track{Codec: ALaw}, Track{SampleRate: 8000, Channels: 1, SampleSize: 16}, [][][]byte{parts("d5d5"), parts("55")}, "72", "72"},
		{"mu-law", Track{Codec: MuLaw, Channels: 2}, Track{SampleRate: 8000, Channels: 2, SampleSize: 16}, [][][]byte{parts("ffff"), parts("7f")}, "83", "83"},
		{"LPCM", Track{Codec: LPCM, SampleRate: 22050, SampleSize: 8, Channels: 1}, Track{SampleRate: 22050, Channels: 1, SampleSize: 8},
			[][][]byte{parts("80"), parts("81")}, "38", "38"},
	} {
		write := func(t *testing.T, form HeaderForm, id uint8) (*recorder, error) {
			var r recorder
			track := c.track
			track.ID = id
			w := NewWriter(&r, &track)
			w.Headers = form
			for i, parts := range c.units {
				at := time.Duration(i) * 40 * ms
				if err := w.WriteUnit(&Unit{Track: &track, PTS: at, DTS: at, KeyFrame: i == 0 || !track.IsVideo(), Parts: parts}); err != nil {
					return &r, err
				}
			}
			return &r, w.Close()
		}
		read := func(t *testing.T, r *recorder, id uint8) {
			reader := NewReader(r)
			tracks, err := reader.Tracks(context.Background())
			require.NoError(t, err)
			require.Len(t, tracks, 1)
			got := *tracks[0]
			want := c.want
			want.Codec, want.ID, want.video = c.track.Codec, id, c.track.Codec.IsVideo()
			if want.Config == nil {
				got.Config = nil
			}
			if want.ParameterSets == nil {
				got.ParameterSets = nil
			}
			assert.Equal(t, want, got)
			for i, u := range readAll(t, reader) {
				at := time.Duration(i) * 40 * ms
				assert.Equal(t, unit{tracks[0].String(), at, at, i == 0 || !tracks[0].IsVideo(), i == 0, c.units[i]}, u)
			}
		}
		t.Run(c.name, func(t *testing.T) {
			r, err := write(t, HeadersAuto, 0)
			require.NoError(t, err)
			bodies := slices.Concat(r.bodies(message.TypeVideo), r.bodies(message.TypeAudio))
			has := func(b []byte) bool {
				return bytes.HasPrefix(b, unhex(c.first)) && bytes.HasSuffix(b, c.units[1][len(c.units[1])-1])
			}
			assert.True(t, slices.ContainsFunc(bodies, has), "%x", bodies)
			read(t, r, 0)
		})
		t.Run(c.name+", enhanced", func(t *testing.T) {
			r, err := write(t, HeadersEnhanced, 0)
			require.NoError(t, err)
			read(t, r, 0)
		})
		t.Run(c.name+", legacy", func(t *testing.T) {
			r, err := write(t, HeadersLegacy, 0)
			if c.legacy == "" {
				require.ErrorContains(t, err, "needs the headers of Enhanced RTMP")
				return
			}
			require.NoError(t, err)
			bodies := slices.Concat(r.bodies(message.TypeVideo), r.bodies(message.TypeAudio))
			has := func(b []byte) bool { return bytes.HasPrefix(b, unhex(c.legacy)) }
			assert.True(t, slices.ContainsFunc(bodies, has), "%x", bodies)
			if c.name != "Opus" { // the second track of Opus is without a configuration
				read(t, r, 0)
			}
		})
		t.Run(c.name+", second track", func(t *testing.T) {
			r, err := write(t, HeadersAuto, 1)
			if c.track.Codec.FourCC() == 0 {
				require.ErrorContains(t, err, "only the first track of its kind can have this codec")
				return
			}
			require.NoError(t, err)
			read(t, r, 1)
		})
	}
}

func TestMethods(t *testing.T) {
	one := func(f func(w *Writer, t *Track, pts time.Duration, frame []byte) error, frame []byte) func(w *Writer, t *Track) error {
		return func(w *Writer, t *Track) error { return f(w, t, 0, frame) }
	}
	au := func(f func(w *Writer, t *Track, pts, dts time.Duration, au [][]byte) error, au [][]byte) func(w *Writer, t *Track) error {
		return func(w *Writer, t *Track) error { return f(w, t, 0, 0, au) }
	}
	vvc := unhex("ff 0011 5f 01 02 43 80 00 0780 0438 0000 00")
	for _, c := range []struct {
		track Track
		write func(w *Writer, t *Track) error
	}{
		{Track{Codec: H264, ParameterSets: avcSets}, au((*Writer).WriteH264, parts("6588"))},
		{Track{Codec: H265, ParameterSets: hevcSets}, au((*Writer).WriteH265, parts("2601"))},
		{Track{Codec: H266, Config: vvc}, au((*Writer).WriteH266, parts("0039aa"))},
		{Track{Codec: AV1}, func(w *Writer, t *Track) error { return w.WriteAV1(t, 0, av1Key) }},
		{Track{Codec: VP8}, one((*Writer).WriteVP8, vp8Key)},
		{Track{Codec: VP9}, one((*Writer).WriteVP9, vp9Key)},
		{Track{Codec: AAC, Config: unhex("1190")}, one((*Writer).WriteMPEG4Audio, []byte{1})},
		{Track{Codec: MP3}, one((*Writer).WriteMP3, mp3Frame)},
		{Track{Codec: Opus}, one((*Writer).WriteOpus, []byte{1})},
		{Track{Codec: FLAC, Config: flacInfo}, one((*Writer).WriteFLAC, []byte{1})},
		{Track{Codec: AC3}, one((*Writer).WriteAC3, ac3Frame)},
		{Track{Codec: EAC3}, one((*Writer).WriteEAC3, eac3Frame)},
		{Track{Codec: ALaw}, one((*Writer).WriteG711, []byte{1})},
		{Track{Codec: MuLaw}, one((*Writer).WriteG711, []byte{1})},
		{Track{Codec: LPCM, SampleRate: 44100, Channels: 2}, one((*Writer).WriteLPCM, []byte{1, 2})},
	} {
		t.Run(c.track.Codec.String(), func(t *testing.T) {
			var r recorder
			w := NewWriter(&r, &c.track)
			require.NoError(t, c.write(w, &c.track))
			reader := NewReader(&r)
			units := readAll(t, reader)
			require.Len(t, units, 1)
			assert.True(t, units[0].key)
			assert.True(t, units[0].changed, "a track that Tracks has not returned")

			other := &Track{Codec: H264}
			if c.track.Codec == H264 {
				other.Codec = AAC
			}
			err := c.write(NewWriter(&r, other), other)
			require.ErrorContains(t, err, "unit is of")
			require.ErrorContains(t, c.write(NewWriter(&r), &c.track), "not a track of this Writer")
		})
	}
}
