package fmp4

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/media"
)

// FuzzMuxer passes arbitrary tags of a publisher to a Muxer, whose output must always be readable. It also tests mediacommon, which parses
// the parameter sets. The seeds in testdata are the first tags that encoders write.
func FuzzMuxer(f *testing.F) {
	f.Fuzz(func(t *testing.T, file []byte) {
		r := media.NewFileReader(flv.NewReader(bytes.NewReader(file)))
		tracks, err := r.Tracks(context.Background())
		if err != nil {
			return
		}
		m, err := NewMuxer(tracks, len(file)%2 == 0)
		if err != nil {
			var codecs *CodecError
			require.ErrorAs(t, err, &codecs)
			return
		}
		require.NotEmpty(t, m.ContentType())
		p := &player{t: t, m: m}
		var u media.Unit
		for {
			err := r.Read(&u)
			var damaged *media.Error
			if errors.As(err, &damaged) && !errors.Is(err, io.EOF) {
				continue
			}
			if err != nil {
				break
			}
			b, err := m.Add(&u)
			if err != nil {
				require.ErrorIs(t, err, ErrChanged)
				break
			}
			p.read(joined(b))
		}
		p.flush()
	})
}

// FuzzDescribe passes configurations to mediacommon's parsers. If describe returns no error, the name must be valid in a codecs
// parameter.
func FuzzDescribe(f *testing.F) {
	for _, codec := range []media.Codec{media.H264, media.H265, media.AV1, media.AAC, media.Opus, media.MP3} {
		f.Add(uint32(codec), []byte{1, 0x64, 0, 0x1e, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1e, 1, 0, 1, 0x68}, []byte{0x0a, 1, 0})
	}
	f.Add(uint32(media.AAC), []byte{0x12, 0x10}, []byte{})
	hevc, err := flv.AppendHEVCConfig(nil, flv.HEVCConfig{VPS: [][]byte{unhex("40010c01ffff01600000030090000003000003003c95940900")},
		SPS: [][]byte{unhex("42010101600000030090000003000003003ca00a08039e65e4")}, PPS: [][]byte{{0x44, 1}}})
	if err == nil {
		f.Add(uint32(media.H265), hevc, []byte{})
	}
	f.Fuzz(func(t *testing.T, codec uint32, config, set []byte) {
		track := &media.Track{Codec: media.Codec(codec), Config: config, ParameterSets: [][]byte{set}, SampleRate: 48000, Channels: 2}
		if described, err := newTrack(track); err == nil {
			require.Regexp(t, `^(avc1\.[0-9a-f]{6}|hvc1\.[ABC]?\d+\.[0-9A-F]+\.[LH]\d+(\.[0-9A-F]+)*|av01\.\d\.\d\d[MH]\.\d\d|mp4a\.(40\.\d+|6b)|opus)$`, described.name)
		}
	})
}
