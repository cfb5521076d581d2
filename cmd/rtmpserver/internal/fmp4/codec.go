package fmp4

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4"

	"github.com/go-librtmp/rtmp/flv"
	"github.com/go-librtmp/rtmp/media"
)

var errCodec = errors.New("not supported in fragmented MP4 here")

// describe returns a track's codec for the initialization segment, and its name for a codecs parameter (RFC 6381).
func describe(t *media.Track) (mp4.Codec, string, error) {
	switch t.Codec {
	case media.H264:
		return describeH264(t)
	case media.H265:
		return describeH265(t)
	case media.AV1:
		return describeAV1(t)
	case media.AAC:
		return describeAAC(t)
	case media.MP3:
		if t.SampleRate > 0 && t.Channels > 0 {
			return &mp4.CodecMPEG1Audio{SampleRate: t.SampleRate, ChannelCount: t.Channels}, "mp4a.6b", nil
		}
	case media.Opus:
		if t.Channels == 1 || t.Channels == 2 { // more channels need a channel mapping, which mediacommon does not write
			return &mp4.CodecOpus{ChannelCount: t.Channels}, "opus", nil
		}
	}
	return nil, "", errCodec
}

// describeH264 returns the name defined in ISO/IEC 14496-15 annex E. It contains the profile, the constraints and the
// level of the sequence parameter set.
func describeH264(t *media.Track) (mp4.Codec, string, error) {
	c, err := flv.ParseAVCConfig(t.Config)
	if err != nil {
		return nil, "", err
	}
	if len(c.SPS) == 0 || len(c.PPS) == 0 || len(c.SPS[0]) < 4 {
		return nil, "", errCodec
	}
	return &mp4.CodecH264{SPS: c.SPS[0], PPS: c.PPS[0]}, fmt.Sprintf("avc1.%x", c.SPS[0][1:4]), nil
}

// minHEVCSPS is the number of bytes of a sequence parameter set, up to the level. mediacommon copies them without checking the length.
const minHEVCSPS = 13

// describeH265 returns the name defined in ISO/IEC 14496-15 annex E. It contains the profile, the compatibility flags
// in reverse order, the tier and level, and the constraints without trailing zeros.
func describeH265(t *media.Track) (mp4.Codec, string, error) {
	c, err := flv.ParseHEVCConfig(t.Config)
	if err != nil {
		return nil, "", err
	}
	if len(c.VPS) == 0 || len(c.SPS) == 0 || len(c.PPS) == 0 || len(c.SPS[0]) < minHEVCSPS {
		return nil, "", errCodec
	}
	b := t.Config // see flv.ParseHEVCConfig for the layout
	space := []string{"", "A", "B", "C"}[b[1]>>6]
	tier := map[bool]string{false: "L", true: "H"}[c.HighTier]
	compatible := bits.Reverse32(uint32(b[2])<<24 | uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5]))
	name := fmt.Sprintf("hvc1.%s%d.%X.%s%d", space, c.Profile, compatible, tier, c.Level)
	for _, constraint := range bytes.TrimRight(b[6:12], "\x00") {
		name += fmt.Sprintf(".%X", constraint)
	}
	return &mp4.CodecH265{VPS: c.VPS[0], SPS: c.SPS[0], PPS: c.PPS[0]}, name, nil
}

// describeAV1 returns the name defined in the AV1 binding to ISOBMFF. It contains the profile, the level, the tier
// and the bit depth.
func describeAV1(t *media.Track) (mp4.Codec, string, error) {
	c, err := flv.ParseAV1Config(t.Config)
	if err != nil {
		return nil, "", err
	}
	if len(t.ParameterSets) == 0 {
		return nil, "", errCodec
	}
	tier := map[bool]string{false: "M", true: "H"}[c.HighTier]
	return &mp4.CodecAV1{SequenceHeader: t.ParameterSets[0]}, fmt.Sprintf("av01.%d.%02d%s.%02d", c.Profile, c.Level, tier, c.BitDepth), nil
}

// describeAAC returns a name that contains the audio object type (ISO/IEC 14496-3).
func describeAAC(t *media.Track) (mp4.Codec, string, error) {
	c := new(mp4.CodecMPEG4Audio)
	if err := c.Config.Unmarshal(t.Config); err != nil {
		return nil, "", err
	}
	kind := c.Config.Type
	if c.Config.ExtensionType == mpeg4audio.ObjectTypeSBR || c.Config.ExtensionType == mpeg4audio.ObjectTypePS {
		kind = c.Config.ExtensionType
	}
	return c, fmt.Sprintf("mp4a.40.%d", kind), nil
}

// initSegment returns the initialization segment for tracks with these codecs. The ids of the tracks start at 1.
func initSegment(codecs []mp4.Codec) ([]byte, error) {
	var segment fmp4.Init
	for i, codec := range codecs {
		segment.Tracks = append(segment.Tracks, &fmp4.InitTrack{ID: i + 1, TimeScale: timeScale, Codec: codec})
	}
	var buf seekablebuffer.Buffer
	if err := segment.Marshal(&buf); err != nil {
		return nil, err
	}
	return asHVC1(buf.Bytes()), nil
}

// asHVC1 renames the sample entry of H.265 from hev1 to hvc1, since mediacommon writes hev1, which Safari does not play. The name hvc1
// means that all parameter sets are in the initialization segment.
func asHVC1(segment []byte) []byte {
	const before = 4 + 4 + 4 // bytes between the names of stsd and of its first entry: version, count, size (ISO/IEC 14496-12 8.5.2)
	for rest := segment; ; {
		_, after, found := bytes.Cut(rest, []byte("stsd"))
		if !found || len(after) < before {
			return segment
		}
		if rest = after[before:]; bytes.HasPrefix(rest, []byte("hev1")) {
			copy(rest, "hvc1")
		}
	}
}

// names joins the names of the tracks' codecs for users, as in "H.265, G.711 A-law".
func names(tracks []*media.Track) string {
	var all []string
	for _, t := range tracks {
		all = append(all, t.Codec.String())
	}
	return strings.Join(all, ", ")
}
